"""A store that fails, a checker that says what went wrong, and pictures of both."""
