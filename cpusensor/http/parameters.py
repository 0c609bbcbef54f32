"""The parameters of a request's address."""

from multidict import MultiMapping

from cpusensor.model.query import BadRequestError


def read_parameters(query: MultiMapping[str]) -> dict[str, str]:
    """Name and value of each. Raises BadRequestError for one that is given twice, since either could be meant."""
    for name in query:
        if len(query.getall(name)) > 1:
            raise BadRequestError(f"{name!r}: given {len(query.getall(name))} times; give it once")
    return dict(query)
