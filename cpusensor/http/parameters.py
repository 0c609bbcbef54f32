"""The parameters of a request's address."""

from multidict import MultiMapping

from cpusensor.model.query import BadRequestError

LISTS = {"series"}
"""Parameters with commas between their values, which clients also send one by one: the union counts."""


def read_parameters(query: MultiMapping[str]) -> dict[str, str]:
    """Name and value of each. Raises BadRequestError for a single value that is given twice: either could be meant."""
    for name in query:
        if name not in LISTS and len(query.getall(name)) > 1:
            raise BadRequestError(f"{name!r}: given {len(query.getall(name))} times; give it once")
    return {name: ",".join(query.getall(name)) for name in query}
