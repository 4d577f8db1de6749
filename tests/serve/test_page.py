"""The page in a real browser, at a real service: drop, attack, certify, judge, errors, tokens."""

import json
from dataclasses import asdict, replace

import pytest
from browser import DONE, in_chromium
from pictures_sent import png, saved
from records import decisions
from served import served

from hardsight.serve.tokens import Token, Tokens

COLUMNS = """import('/page/words.js').then(({colour}) => {
  const sheet = document.getElementById('histogram');
  const {data} = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
  const columns = (name) => {
    const ink = colour(name).match(/\\d+/g).map(Number);
    return [...Array(sheet.width).keys()].filter((x) => [...Array(sheet.height).keys()].some(
      (y) => ink.every((value, part) => data[4 * (y * sheet.width + x) + part] === value)));
  };
  return [columns('quiet'), columns('bad'), sheet.width];
})"""
"""Of the histogram: the columns of normal images, those of false alarms, and how many there are."""


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "sent"
    folder.mkdir()
    return saved(folder, [png(1), png(2, spot=True), b"no image"])


@in_chromium
def test_a_session_at_the_page(service, browser, pictures):
    with served(service) as url:
        browser.open(url)
        browser.wait("document.getElementById('model').value === 'parts'")
        browser.choose_files("#files", pictures[:2])
        browser.wait(f"{DONE} === 2")
        assert browser.text("#tally") == f"2 scored, {_alarms(service)} anomalous"
        assert service.log.count() == 2
        browser.run("document.querySelector('#results button').focus()")
        browser.key("Enter")
        browser.wait("document.getElementById('verdict').innerText")
        _threshold(browser, service)
        _attack(browser)
        _refusal(browser, pictures[2])
        _camera(browser, service)
        _log(browser, service)
        _reports(browser, service, pictures[0].with_name("reports"))
        assert browser.errors == []


def _alarms(service) -> int:
    return sum(each.decision.label for each in service.log.read())


def _threshold(browser, service):
    normals = service.models.get("parts").calibration.normal_scores
    browser.drag("#trial", 0)
    assert f"{len(normals)} of {len(normals)} held-out normal images" in browser.text("#cost")
    browser.drag("#trial", 1000)
    assert f"0 of {len(normals)} held-out normal images" in browser.text("#cost")


def _attack(browser):
    browser.drag("#eps", 16)
    browser.wait("/becomes/.test(document.getElementById('attack-words').innerText)")
    browser.wait("document.getElementById('attacked').naturalWidth === 16")
    browser.wait("document.getElementById('perturbation').naturalWidth > 0")
    browser.press("#certify")
    browser.wait("/median|Undecided/.test(document.getElementById('certificate').innerText)")


def _refusal(browser, path):
    browser.choose_files("#files", [path])
    browser.wait("!document.getElementById('status').hidden")
    assert "cannot use image" in browser.text("#status")
    assert "2.png" in browser.text("#status")


def _camera(browser, service):
    before = service.log.count()
    browser.press("#camera-open")
    browser.wait("document.getElementById('video').videoWidth > 0")
    browser.press("#camera-shoot")
    browser.wait(f"{DONE} === 3")
    browser.press("#camera-close")
    assert service.log.count() == before + 1


def _log(browser, service):
    browser.run("document.getElementById('tab-inspect').focus()")
    browser.key("ArrowRight")
    browser.wait("document.querySelectorAll('#rows tr').length === 3")
    browser.wait("/last 3 decisions/.test(document.getElementById('drift-words').innerText)")
    browser.press("#rows tr:last-child button")
    browser.wait("/was a good part/.test(document.querySelector('#rows tr:last-child').innerText)")
    first = service.log.read()[0].decision
    assert [said.anomalous for said in service.log.feedback([first.id])[first.id]] == [False]
    browser.run("document.querySelector('#filters [name=judged]').value = 'true'")
    browser.run("document.getElementById('filters').dispatchEvent(new Event('change'))")
    browser.wait("document.querySelectorAll('#rows tr').length === 1")


def _reports(browser, service, folder):
    folder.mkdir()
    style = "<style>h1 { color: rgb(1, 2, 3) }</style><script>document.title = 'ran'</script>"
    (folder / "report.html").write_text(f"<title>Evaluation</title>{style}<h1>Found</h1>")
    service.models.replace(replace(service.models.get("parts"), reports=folder))
    browser.run("document.getElementById('tab-records').focus()")
    browser.key("ArrowRight")
    browser.wait("document.querySelectorAll('#report-list li').length === 1")
    browser.click("#report-list button")
    shown = "[document.title, getComputedStyle(document.querySelector('h1')).color]"
    assert browser.opened("blob:", shown) == ["Evaluation", "rgb(1, 2, 3)"], "it runs nothing"


@in_chromium
def test_what_is_left_of_the_threshold_is_normal_and_what_is_right_of_it_an_alarm(service, browser):
    with served(service) as url:
        browser.open(url)
        browser.wait("document.getElementById('model').value === 'parts'")
        for place in range(0, 1000, 23):
            browser.drag("#trial", place)
            normal, alarms, width = browser.run(COLUMNS)
            assert max(normal, default=0) <= place / 1000 * width <= min(alarms, default=width)
            assert normal or alarms


@in_chromium
def test_a_page_without_a_token_asks_and_says_when_it_has_expired(
    service, browser, pictures, tmp_path
):
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps([asdict(Token.of("good")), asdict(Token.of("old", days=-1))]))
    with served(service, Tokens(path)) as url:
        browser.open(url)
        for token, answer in (("old", "has expired"), ("wrong", "does not know")):
            browser.wait("document.getElementById('door').open")
            browser.run(f"document.getElementById('token').value = '{token}'")
            browser.press("#door button")
            browser.wait(f"document.getElementById('door-why').innerText.includes('{answer}')")
        browser.choose_files("#files", pictures[:1])  # waits for a model
        browser.run("document.getElementById('token').value = 'good'")
        browser.press("#door button")
        browser.wait("document.getElementById('model').value === 'parts'")
        assert not browser.run("document.getElementById('door').open")
        browser.wait(f"{DONE} === 1")


@in_chromium
def test_no_picture_is_asked_for_that_is_not_kept(service, browser):
    service.log.append(decisions(2, model_hash=service.models.get("parts").hash))
    asked = "performance.getEntriesByType('resource').map((one) => one.name)"
    with served(service) as url:
        browser.open(url)
        browser.press("#tab-records")
        browser.wait("document.querySelectorAll('#rows tr').length === 2")
        assert not [one for one in browser.run(asked) if "thumbnail" in one]


@in_chromium
def test_images_of_the_same_name_are_told_apart(service, browser, pictures):
    with served(service) as url:
        browser.open(url)
        for count in (1, 2):
            browser.choose_files("#files", pictures[:1])
            browser.wait(f"{DONE} === {count}")
        names = "[...document.querySelectorAll('#results .name')].map((one) => one.textContent)"
        assert browser.run(names) == [f"{pictures[0].name} (2)", pictures[0].name]
        assert browser.text("#shown-name") == f"{pictures[0].name} (2)"


@in_chromium
def test_a_service_that_has_gone_is_named(service, browser, pictures):
    with served(service) as url:
        browser.open(url)
        browser.wait("document.getElementById('model').value")
    browser.choose_files("#files", pictures[:1])
    browser.wait("/does not answer/.test(document.getElementById('status').innerText)")


def test_nothing_of_the_page_comes_from_elsewhere(client):
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("main.js", "style.css", "icon.svg"):
        assert client.get(f"/page/{name}").status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
