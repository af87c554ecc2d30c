"""For tests in Pig: a value as Python has it after Pig had it, in a form that any file of lines carries."""

from base64 import b64encode

from pig_util import outputSchema


def form(value):
    """Any value as one line; a map in the order of its keys, and numbers by their value."""
    if isinstance(value, dict):
        value = sorted(value.items())
    return b64encode(repr(value).encode("utf-8", "surrogatepass")).decode()


@outputSchema("form:chararray")
def value(value):
    return form(value)
