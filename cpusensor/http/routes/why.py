"""`GET /why`: what happened, when, and who it was, in sentences."""

import asyncio
from functools import partial

from aiohttp import hdrs, web

from cpusensor.http.assets import choose_language
from cpusensor.http.cache import Body, body_of
from cpusensor.http.keys import CLOCK, GUARD, HISTORY, KEEPER, KERNEL, RECORDER, SETTINGS
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import body_answer, cached, error_answer
from cpusensor.http.routes.history import first_if_asked
from cpusensor.http.status import newest_slot
from cpusensor.kernel.zone import local_time, time_in
from cpusensor.model.query import BadRequestError, parse_why_query
from cpusensor.outlets import sentences
from cpusensor.recording.summary import Present
from cpusensor.recording.why import Sources, tell


async def get_why(request: web.Request) -> web.Response:
    """The story of the span, or of the moment, that the parameters name, or what is wrong with them."""
    are_names_told = request.app[GUARD].may_see_names(request)
    accepted = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
    lang = choose_language([request.query.get("lang", "")], accepted, list(sentences.LANGUAGES))
    try:
        key = ("why", request.rel_url.raw_query_string, lang, are_names_told)
        body = await cached(request.app, key, partial(_make_why, request, lang, are_names_told=are_names_told))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    return body_answer(request, body, cache_control="no-store", vary="Accept-Encoding, Accept-Language")


async def _make_why(request: web.Request, lang: str, *, are_names_told: bool) -> Body:
    app, now = request.app, request.app[CLOCK].wall()
    zone = app[KERNEL].machine(app[CLOCK].now()).zone
    parameters = read_parameters(request.query)
    first = await first_if_asked(app, parameters)
    asked = parse_why_query(parameters, newest_slot(app), first, partial(time_in, zone=zone, now=now))
    waiting, open_gap = app[RECORDER].committer.waiting(), app[RECORDER].open_gap()
    sources = Sources(
        history=app[HISTORY],
        present=Present(now=int(now), waiting=waiting, open_gap=open_gap),
        readings=app[KEEPER].waiting(),
        are_names_told=are_names_told,
    )
    async with app[HISTORY].reader.slot(asked.span.from_time, asked.span.to_time):
        story = await tell(asked, sources)
        text = sentences.tell(story, lang, app[SETTINGS].name, partial(local_time, zone=zone))
        return await asyncio.to_thread(body_of, text.encode(), sentences.CONTENT_TYPE)
