function render({ model, el }) {
  el.classList.add("capkit-sentence");
  el.setAttribute("role", "status");
  el.setAttribute("aria-live", "polite");
  // JupyterLab takes the arrow keys of a list for its own, to go from cell to cell.
  const keep = (event) => event.stopPropagation();
  // On the option that is chosen, the Enter key gives the guess.
  const enter = (event) => {
    if (event.key !== "Enter" || !event.target.matches(".widget-toggle-button.mod-active")) return;
    event.preventDefault();
    event.currentTarget.querySelector(".widget-button:not(.widget-toggle-button)").click();
  };
  const name = () => {
    const board = el.closest(".capkit-dashboard");
    if (!board) return;
    for (const handle of board.querySelectorAll("[role=slider]")) {
      const label = handle.closest(".widget-slider").querySelector(".widget-label");
      handle.setAttribute("aria-label", label.textContent);
      handle.setAttribute("aria-description", label.title);
    }
    for (const group of board.querySelectorAll(".widget-toggle-buttons")) {
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", group.querySelector(".widget-label").textContent);
    }
    for (const button of board.querySelectorAll(".widget-toggle-button")) {
      button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
    if (board.classList.contains("capkit-guess")) board.onkeydown = enter;
    for (const menu of board.querySelectorAll("select")) menu.onkeydown = keep;
    for (const image of board.querySelectorAll("img")) image.alt = model.get("text");
  };
  const show = () => {
    el.textContent = model.get("text");
    el.classList.toggle("capkit-wrong", model.get("wrong"));
    requestAnimationFrame(name);
  };
  model.on("change:text change:wrong", show);
  show();
}
export default { render };
