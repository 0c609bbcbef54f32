"""How much is tried: what `make test` has time for, or with THOROUGH=1, as `make thorough` sets it, all there is."""

import os

IS_THOROUGH = os.environ.get("THOROUGH") == "1"
"""Whether there is time for each width of a window, each pair of a language and a theme, and many more examples."""

THEMES_AND_LANGUAGES = [("light", "en-GB"), ("dark", "ru-RU")]
"""In which a page is looked at: each theme and each language once, as no rule is about both; or each with each."""

if IS_THOROUGH:
    THEMES_AND_LANGUAGES += [("light", "ru-RU"), ("dark", "en-GB")]
