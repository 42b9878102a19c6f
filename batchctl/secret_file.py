"""Secrets from files: NAME_FILE names a file that holds what NAME would hold, as container platforms mount it."""

from collections.abc import Mapping, Sequence

from batchctl.domain.problem import ConfigProblem

MAX_BYTES = 64 * 1024
SUFFIX = "_FILE"


def find(environment: Mapping[str, str], names: Sequence[str]) -> tuple[str, str] | None:
    """Return which of these variables is given by a file, and what that file holds; None when none of them is.

    The variables stand for one setting, the first one that is set counts; an empty value counts as unset. Raises
    ConfigProblem when a variable is set in both ways, or when the file cannot be used; it never says what stands in it.
    """
    for name in names:
        given, path = environment.get(name), environment.get(name + SUFFIX)
        if given and path:
            raise ConfigProblem(f"{name} and {name}{SUFFIX} are both set: unset one of them")
        if given:
            return None
        if path:
            return name, _read(name + SUFFIX, path)
    return None


def _read(variable: str, path: str) -> str:
    """Return a file's text without the line end that editors put there."""
    if not path.startswith("/"):  # And it is not quoted: it may be the secret itself.
        raise ConfigProblem(f"{variable} must be the absolute path of a file")
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path would turn // and /./ into another text for the message
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise ConfigProblem(f"{variable}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigProblem(f"{variable}: {path} does not hold text in UTF-8") from None
    rules = (
        (len(data) <= MAX_BYTES, f"is larger than {MAX_BYTES // 1024} kB"),
        (bool(text), "is empty"),
        ("\x00" not in text, "holds a NUL byte"),
    )
    for kept, broken in rules:
        if not kept:
            raise ConfigProblem(f"{variable}: {path} {broken}")
    return text
