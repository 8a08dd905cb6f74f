"""Settings files as people and programs write them."""

import json
from typing import Any

from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
HANDLERS = st.fixed_dictionaries(
    {"type": st.just("command"), "command": st.text(max_size=12)}, optional={"timeout": st.integers(1, 600)}
)
GROUPS = st.fixed_dictionaries(
    {"hooks": st.lists(HANDLERS, max_size=2)}, optional={"matcher": st.sampled_from(["", "Bash", "*"])}
)
EVENTS = st.sampled_from(["SessionStart", "Stop", "PostToolBatch", "PreToolUse", "Notification"])
HOOKS = st.dictionaries(EVENTS, st.lists(GROUPS, max_size=2), max_size=3)
SETTINGS = st.builds(
    lambda rest, hooks: {**rest, **hooks},
    st.dictionaries(
        st.text(max_size=6).filter(lambda key: key not in {"hooks", "mcpServers"}), JSON, max_size=4
    ),
    st.fixed_dictionaries({}, optional={"hooks": HOOKS}),
)
SERVERS = st.builds(
    lambda rest, servers: {**rest, **servers},
    st.dictionaries(
        st.text(max_size=6).filter(lambda key: key not in {"hooks", "mcpServers"}), JSON, max_size=4
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "mcpServers": st.dictionaries(
                st.sampled_from(["github", "files", "search"]),
                st.just({"command": "server", "args": []}),
                max_size=2,
            )
        },
    ),
)


@st.composite
def written(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> bytes:
    """A document in one of the many ways to write it."""
    indent = draw(st.sampled_from([None, 1, 2, 4, "\t"]))
    separators = draw(st.sampled_from([None, (",", ":"), (", ", " : ")]))
    text = json.dumps(draw(documents), indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    text += draw(st.sampled_from(["", "\n", "  \n\n"]))
    data = text.encode("utf-8", "surrogatepass")
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + data
