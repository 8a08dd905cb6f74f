"""Skills as small numbers, so that distributions are lists."""


class Vocabulary:
    """Names in the order in which they were first seen.

    >>> words = Vocabulary()
    >>> words.number("test"), words.number("commit"), words.number("test")
    (0, 1, 0)
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The number of a name; a new name gets the next one."""
        known = self.numbers.get(name)
        if known is None:
            known = self.numbers[name] = len(self.names)
            self.names.append(name)
        return known

    def known(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """The numbers of the names that are known, in their order."""
        return tuple(self.numbers[name] for name in names if name in self.numbers)


def uniform(size: int) -> list[float]:
    """The same probability for each of `size` items."""
    return [1.0 / size] * size if size else []
