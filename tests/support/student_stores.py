"""Ten stores as students write them in lesson 09, kept as they came."""

from capkit import Store, Unavailable


class ReadOneWriteAll(Store):
    def on_put(self, request, key, value):
        yield from self.ask(
            request, "put", lambda node: self.write(node, key, value), need=len(self.nodes)
        )

    def on_get(self, request, key):
        return self.by_id[request.at].get(key)


class OwnNode(Store):
    def on_put(self, request, key, value):
        self.write(self.by_id[request.at], key, value)

    def on_get(self, request, key):
        return self.by_id[request.at].get(key)


class NeverSayYes(Store):
    def on_put(self, request, key, value):
        raise Unavailable("sorry")

    def on_get(self, request, key):
        raise Unavailable("sorry")


class Boss(Store):
    """Node 0 has it all."""

    def on_put(self, request, key, value):
        yield from self.ask(
            request,
            "put",
            lambda node: self.write(node, key, value),
            need=1,
            among=lambda node: node.id == 0,
        )

    def on_get(self, request, key):
        answers = yield from self.ask(
            request, "get", lambda node: (node.get(key),), need=1, among=lambda node: node.id == 0
        )
        return answers[0][0]


class Numbered(Store):
    """Each copy is a pair: how many puts came before, and the value."""

    def newest(self, request, key, patience=None):
        more = {} if patience is None else {"patience": patience}
        need = self.majority if patience is None else len(self.nodes)
        copies = yield from self.ask(
            request, "ask", lambda node: node.get(key) or (0, None), need=need, **more
        )
        return max(copies.values(), key=lambda copy: copy[0], default=(0, None))

    def on_put(self, request, key, value):
        number, _ = yield from self.newest(request, key)
        copy = (number + 1, value)
        yield from self.ask(
            request, "store", lambda node: self.keep(node, key, copy), need=self.majority
        )

    def keep(self, node, key, copy):
        if copy > (node.get(key) or (0, None)):
            self.write(node, key, copy, (copy[1],))
        return True

    def on_get(self, request, key):
        _, value = yield from self.newest(request, key)
        return value


class WriteBack(Numbered):
    def on_get(self, request, key):
        copy = yield from self.newest(request, key)
        yield from self.ask(
            request, "store", lambda node: self.keep(node, key, copy), need=self.majority
        )
        return copy[1]


class Impatient(Numbered):
    """After 100 ms it answers with the newest that it has heard."""

    def on_put(self, request, key, value):
        number, _ = yield from self.newest(request, key, patience=100)
        copy = (number + 1, value)
        yield from self.ask(
            request, "store", lambda node: self.keep(node, key, copy), need=3, patience=100
        )

    def on_get(self, request, key):
        _, value = yield from self.newest(request, key, patience=100)
        return value


class ReadOnlyMinority(Numbered):
    """A side without a majority still reads what it has."""

    def on_get(self, request, key):
        _, value = yield from self.newest(request, key, patience=50)
        return value


class Clocks(Store):
    """The time of day instead of numbers."""

    def on_put(self, request, key, value):
        copy = (self.network.clock(request.at), value)
        yield from self.ask(
            request, "put", lambda node: self.keep(node, key, copy), need=self.majority
        )

    def keep(self, node, key, copy):
        if copy > (node.get(key) or (0, None)):
            self.write(node, key, copy, (copy[1],))
        return True

    def on_get(self, request, key):
        copies = yield from self.ask(
            request, "get", lambda node: node.get(key) or (0, None), need=self.majority
        )
        return max(copies.values(), key=lambda copy: copy[0])[1]


class Neighbours(Store):
    """A put goes to the next node, too; a get asks the node before, too."""

    def near(self, request, step):
        return {request.at, (request.at + step) % len(self.nodes)}

    def on_put(self, request, key, value):
        near = self.near(request, 1)
        yield from self.ask(
            request,
            "put",
            lambda node: self.write(node, key, value),
            need=2,
            among=lambda node: node.id in near,
        )

    def on_get(self, request, key):
        near = self.near(request, -1)
        answers = yield from self.ask(
            request,
            "get",
            lambda node: (node.get(key),),
            need=2,
            among=lambda node: node.id in near,
        )
        return next((answer[0] for answer in answers.values() if answer[0]), None)
