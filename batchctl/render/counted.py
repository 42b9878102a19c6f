"""Numbers with what they number: 1 task, 3 tasks."""


def some(number: int, one: str, more: str | None = None) -> str:
    """Write a number with the noun that fits; the plural is an s more, where nothing else is said."""
    return f"{number} {one if number == 1 else more or f'{one}s'}"
