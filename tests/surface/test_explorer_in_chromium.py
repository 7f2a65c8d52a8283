"""The explorer of a report works in a browser: by pointer, by keyboard, and with the numbers that the network has."""

import numpy as np
import pytest
from tests.chromium import Chromium

import whorl
from whorl.report.evidence import gather
from whorl.report.views import views
from whorl.report.written_views import views as written_views

pytestmark = pytest.mark.slow

QUICK = whorl.Training(epochs=1, device="cpu", seed=0, validation=0.3)
NASTY = "</script><b onload=alert(1)>café & 'x'</b><!-- \n"


def forecaster():
    t = np.arange(500)
    rows = [{"t": int(n), "load </script>": float(np.sin(n / 4) + 5)} for n in t]
    network = whorl.Recurrent("gru", hidden_size=7, num_layers=2)
    settings = {"horizon": 2, "context": 24, "memory": "carried", "network": network, "training": QUICK}
    return whorl.Forecaster(target="load </script>", time="t", **settings).fit(rows, verbose=False)


def generator(folder):
    (folder / "text.txt").write_text(NASTY * 60)
    made = whorl.Generator(
        network=whorl.Recurrent("lstm", hidden_size=9), tokens=whorl.Text(unit="character"), training=QUICK
    )
    return made.fit(folder / "text.txt", verbose=False)


def tagger():
    words = [["The", "<i>cat</i>", "sat"], ["A", "dog", "&amp;", "ran"]] * 20
    tags = [["D", "N", "V"], ["D", "N", "C", "V"]] * 20
    network = whorl.Recurrent("gru", hidden_size=5, bidirectional=True)
    return whorl.Tagger(network=network, training=QUICK).fit((words, tags), verbose=False)


def translator():
    pairs = ["a b", "b a", "a a b"] * 20, ["x y", "y x", "x x y"] * 20
    network = whorl.Recurrent("gru", hidden_size=5)
    return whorl.Translator(tokens=whorl.Text(unit="word"), network=network, training=QUICK).fit(pairs, verbose=False)


KINDS = {
    "forecaster": lambda _: forecaster(),
    "generator": generator,
    "tagger": lambda _: tagger(),
    "translator": lambda _: translator(),
}


def seen(model):
    made, held_out = model.model_, model.held_out_
    return written_views(made, held_out) if made.encoder is not None else views(made, gather(made, held_out))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Chromium(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=KINDS)
def shown(request, tmp_path_factory):
    """A model, and the page about it."""
    folder = tmp_path_factory.mktemp("page")
    model = KINDS[request.param](folder)
    model.report(folder / "report.html")
    return model, folder / "report.html"


def text(page, name):
    return page.evaluate(f"document.getElementById('explorer-{name}').textContent")


def value(page, name):
    return page.evaluate(f"document.getElementById('explorer-{name}').value")


def focus(page, name="panels"):
    page.evaluate(f"document.getElementById('explorer-{name}').focus()")


def choose(page, name, number):
    page.evaluate(
        f"(() => {{ const one = document.getElementById('explorer-{name}'); one.value = '{number}'; "
        "one.dispatchEvent(new Event('change', {bubbles: true})) })()"
    )


def told_state(page):
    """Unit, step (both from 0) and the state that the page tells."""
    unit = int(text(page, "unit-told").split()[0]) - 1
    return unit, int(value(page, "step")) - 1, text(page, "value")


def assert_true(page, layer):
    unit, step, told = told_state(page)
    state = float(layer.runs[0].h[step, unit])
    assert told == f"{float(np.rint(state * 1e4)) / 1e4 + 0.0:.4f}"


def test_a_page_complains_of_nothing_and_asks_for_nothing(browser, shown):
    with browser.page(shown[1]) as page:
        focus(page)
        for key in ("ArrowDown", "ArrowLeft", "]", "[", "Home", "End"):
            page.press(key)
        assert page.evaluate("!document.getElementById('explorer').hidden")
        assert page.complaints() == []
        assert page.requests() == [shown[1].as_uri()]
        assert page.evaluate("document.querySelectorAll('main b, main i').length") == 0


def test_every_layer_tells_the_states_of_the_network(browser, shown):
    model, path = shown
    with browser.page(path) as page:
        for number, view in enumerate(seen(model)):
            choose(page, "view", number)
            for place, layer in enumerate(view.layers):
                choose(page, "layer", place)
                focus(page)
                for key in ("ArrowDown", "ArrowLeft", "ArrowDown", "Home", "ArrowUp"):
                    page.press(key)
                    assert_true(page, layer)
        assert page.complaints() == []


def test_keys_change_the_unit_and_the_step(browser, shown):
    with browser.page(shown[1]) as page:
        focus(page)
        units = page.evaluate(
            "[...document.querySelectorAll('#explorer-unit option')].map((one) => one.text.split(':')[0])"
        )
        assert told_state(page)[0] == int(units[0]) - 1
        page.press("ArrowDown")
        assert told_state(page)[0] == int(units[1]) - 1
        page.press("]")
        assert told_state(page)[0] == int(units[2]) - 1
        page.press("[")
        page.press("ArrowUp")
        page.press("ArrowUp")  # there is nothing above the first one
        assert told_state(page)[0] == int(units[0]) - 1
        last = told_state(page)[1]
        page.press("ArrowLeft")
        assert told_state(page)[1] == last - 1
        page.press("Home")
        assert told_state(page)[1] == 0
        assert text(page, "said").startswith(f"Unit {units[0]}: {told_state(page)[2]} at ")


def test_a_click_on_a_row_chooses_its_unit_and_a_step(browser, shown):
    with browser.page(shown[1]) as page:
        count = page.evaluate("document.querySelectorAll('#explorer-unit option').length")
        left, top, width, height = page.box("#explorer-states")
        row = (height - 26) / count
        page.point(left + 64 + 2, top + 4 + row * (count - 0.5), click=True)
        assert value(page, "unit") == str(count - 1)
        assert told_state(page)[1] == 0
        page.point(left + width - 12, top + 4 + row / 2)  # pointing alone moves the step, and not the unit
        assert value(page, "unit") == str(count - 1)
        assert told_state(page)[1] == int(page.evaluate("document.getElementById('explorer-step').max")) - 1


def test_the_keyboard_reaches_the_controls_in_order_and_leaves_them(browser, shown):
    with browser.page(shown[1]) as page:
        focus(page, "view")
        reached = []
        for _ in range(6):
            reached.append(page.evaluate("document.activeElement.id"))
            page.press("Tab")
        assert reached[:5] == [f"explorer-{name}" for name in ("view", "layer", "unit", "step", "panels")]
        assert not reached[5].startswith("explorer")
        focus(page)
        page.press("Tab", shift=True)
        assert page.evaluate("document.activeElement.id") == "explorer-step"
        page.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_text_is_coloured_and_underlined_by_the_unit(browser, tmp_path):
    model = generator(tmp_path)
    model.report(tmp_path / "report.html")
    (view,) = seen(model)
    with browser.page(tmp_path / "report.html") as page:
        unit, _, _ = told_state(page)
        states = view.layers[0].runs[0].h[:, unit]
        spans = page.evaluate(
            "[...document.querySelectorAll('#explorer-text span')].map((one) => [one.textContent, "
            "one.style.backgroundColor, getComputedStyle(one).textDecorationLine, one.title])"
        )
        assert "".join(span[0] for span in spans).replace("↵\n", "\n") == "".join(view.tokens)
        assert "</script><b onload" in "".join(span[0] for span in spans).replace("↵\n", "\n")
        for (_, colour, line, title), state in zip(spans, states.tolist(), strict=True):
            assert title.startswith(f"{np.rint(state * 1e4) / 1e4 + 0.0:.4f} at")
            if abs(state) > 1e-4:
                red, _, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
                assert (red <= blue) == (state < 0)
                assert (line == "underline") == (state < 0)
        left, top, width, height = page.box("#explorer-text span:nth-child(3)")
        page.point(left + width / 2, top + height / 2, click=True)
        assert told_state(page)[1] == 2


def test_gates_are_told_where_the_cell_has_some(browser, shown):
    with browser.page(shown[1]) as page:
        cell = page.evaluate("document.querySelector('#explorer-layer option').text")
        told = text(page, "gates-told")
        names = ("input ", "forget ", "output ") if "LSTM" in cell else ("reset ", "update ")
        assert all(name in told for name in names)
        assert page.evaluate("document.getElementById('explorer-gates').height") > 100


def test_the_memory_of_a_unit_of_an_lstm_is_a_choice_away(browser, tmp_path):
    model = generator(tmp_path)
    model.report(tmp_path / "report.html")
    (view,) = seen(model)
    with browser.page(tmp_path / "report.html") as page:
        assert page.evaluate("document.querySelector('#explorer-layer').innerText").endswith(", memory c")
        focus(page)
        page.press("ArrowDown")
        unit, step, _ = told_state(page)
        gates = text(page, "gates-told")
        page.evaluate(
            "((layers) => { layers.value = '1'; layers.dispatchEvent(new Event('change')); })"
            "(document.getElementById('explorer-layer'))"
        )
        assert told_state(page)[:2] == (unit, step)
        assert float(told_state(page)[2]) == pytest.approx(view.layers[1].runs[0].h[step, unit], abs=0.01)
        assert text(page, "gates-told") == gates
        assert page.complaints() == []


def test_on_paper_the_unit_is_shown_without_controls(browser, shown):
    with browser.page(shown[1], media="print") as page:
        assert page.evaluate("getComputedStyle(document.querySelector('#explorer .controls')).display") == "none"
        assert page.box("#explorer-line")[3] > 50
        assert text(page, "value")


def test_without_script_the_picture_stays(browser, shown):
    with browser.page(shown[1], script=False) as page:
        nodes = page.call("DOMSnapshot.captureSnapshot", computedStyles=["display"])
        strings, layout = nodes["strings"], nodes["documents"][0]["layout"]
        drawn = [strings[n] for n in layout["text"] if n >= 0]
        assert any("Hidden state of the last layer" in one for one in drawn)
        assert any("may run its script" in one for one in drawn)
        assert not any("gates of the unit" in one for one in drawn)
