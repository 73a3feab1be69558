"""The routes, asked of a running server."""

import base64
import json
import threading

import cv2
import numpy as np
import pytest

from emoscope.dashboard.api import app
from emoscope.dashboard.ui.samples import sample_picture
from emoscope.model.faces.detectors import create_picture_detector
from emoscope.model.images import decode_image
from emoscope.model.networks.load import load_classifier
from emoscope.model.pictures.results import picture_entry
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import load_run
from tests.dashboard.api.conftest import face_png, form


def test_a_picture_is_read_as_everywhere_else(server, saved_runs):
    _, data = sample_picture("One face")
    status, _, content = server.predict(data, query="")
    frame = decode_image(data)
    pipeline = Pipeline(create_picture_detector("blazeface"), load_classifier(load_run(saved_runs / "emoscope")))
    expected = picture_entry("image", frame.shape[1], frame.shape[0], pipeline.analyze(frame), pipeline.detector.name)
    assert (status, content) == (200, {"run": "emoscope", "detector": "blazeface", "pictures": [expected]})
    assert len(expected["faces"]) == 1


def test_several_pictures_come_back_in_order_with_what_is_wrong_with_one(server):
    body, kind = form([("bright.png", face_png(240)), ("notes.txt", b"hello"), ("dark.png", face_png(80))])
    status, _, content = server.predict(body, kind)
    bright, notes, dark = content["pictures"]
    assert status == 200
    assert [(p["file"], p["faces"][0]["emotion"]) for p in (bright, dark)] == [
        ("bright.png", "happy"),
        ("dark.png", "sad"),
    ]
    assert notes["file"] == "notes.txt" and notes["error"].startswith("The file is no picture")


def test_a_cut_picture_is_predicted_as_far_as_it_goes(server):
    data = sample_picture("One face")[1]
    frame = decode_image(data)
    jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
    status, _, content = server.predict(jpeg[: len(jpeg) * 9 // 10], query="")
    assert status == 200 and len(content["pictures"][0]["faces"]) == 1
    assert "ends early" in content["pictures"][0]["notes"][0]


def test_an_explanation_is_a_map_of_the_crop(server):
    face = server.predict(face_png(240), query="?detector=none&explain=true")[2]["pictures"][0]["faces"][0]
    kind, _, data = face["heat_map"].partition(",")
    heat = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert kind == "data:image/png;base64"
    assert heat.shape == (48, 48) and heat.max() > 200
    assert np.allclose(face["crop_to_frame"], [[1, 0, 0], [0, 1, 0]], atol=1e-3)


def test_a_network_without_maps_is_explained_too(server):
    status, _, content = server.predict(face_png(240), query="?detector=none&run=plain&explain=true")
    assert status == 200 and content["run"] == "plain"
    assert content["pictures"][0]["faces"][0]["heat_map"].startswith("data:image/png;base64,")


def test_faces_beyond_the_limit_are_left_out_and_counted(server):
    _, data = sample_picture("Twenty faces")
    [picture] = server.predict(data, query="")[2]["pictures"]
    assert len(picture["faces"]) == 1
    assert picture["faces_left_out"] >= 10


def test_concurrent_requests_share_forward_passes_and_get_their_own_answers(server):
    passes, faces = server.metric("emoscope_batch_faces_count"), server.metric("emoscope_batch_faces_sum")
    grays, answers = [60 + 10 * i for i in range(19)] * 6, {}

    def ask(number):
        answers[number] = server.predict(face_png(grays[number]))[2]["pictures"][0]["faces"][0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(grays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = {gray: server.predict(face_png(gray))[2]["pictures"][0]["faces"][0] for gray in set(grays)}
    assert len(answers) == len(grays)
    for number, face in answers.items():
        assert face["emotion"] == alone[grays[number]]["emotion"]
        assert face["probabilities"] == pytest.approx(alone[grays[number]]["probabilities"], abs=2e-4)
    new_faces = server.metric("emoscope_batch_faces_sum") - faces
    new_passes = server.metric("emoscope_batch_faces_count") - passes
    assert new_faces == len(grays) + len(alone)
    assert new_passes < new_faces


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?detector=eyes", 422, "The option 'detector' is not possible"),
        ("?explain=perhaps", 422, "The option 'explain' is not possible"),
        ("?run=other", 404, "There is no saved run 'other'."),
        ("?run=../artifacts/emoscope", 404, "There is no saved run"),
        ("?run=/etc", 404, "There is no saved run"),
    ],
)
def test_an_impossible_option_is_a_problem(server, query, status, words):
    found, headers, content = server.predict(face_png(200), query=query)
    assert found == content["status"] == status
    assert headers["content-type"] == "application/problem+json"
    assert words in content["detail"] and content["detail"].endswith(".")


def test_saved_runs_are_listed(server):
    status, _, content = server.ask("GET", "/api/v1/runs")
    assert status == 200
    assert [(run["key"], run["default"]) for run in content["runs"]] == [("emoscope", True), ("plain", False)]
    assert 0 < content["runs"][0]["accuracy"]["PrivateTest"] < 1


def test_health_says_who_predicts(server):
    assert server.ask("GET", "/api/v1/healthz")[2] == {"status": "ok", "run": "emoscope", "classification": "here"}


def test_requests_are_counted_by_route_and_status(server):
    name = 'emoscope_requests_total{path="/v1/predict",status="415"}'
    before = server.metric(name)
    server.predict(b"{}", "application/json")
    assert server.metric(name) == before + 1
    server.ask("GET", "/api/made-up/path")
    assert "made-up" not in server.ask("GET", "/api/v1/metrics")[2].decode()


def test_the_documentation_needs_no_other_site(server):
    status, _, page = server.ask("GET", "/api/docs")
    assert status == 200
    assert b"http" not in page.replace(b"http://www.w3.org", b"")
    for line in page.decode().splitlines():
        for attribute in ('src="', 'href="'):
            if attribute in line:
                assert server.ask("GET", line.split(attribute)[1].split('"')[0])[0] == 200
    schema = server.ask("GET", "/api/openapi.json")[2]
    assert {"/v1/predict", "/v1/runs", "/v1/healthz", "/v1/metrics"} == set(schema["paths"])
    assert "multipart/form-data" in schema["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert schema["servers"] == [{"url": "/api"}]


def test_the_pages_are_served_beside_it(server):
    status, _, page = server.ask("GET", "/")
    assert status == 200 and b"<title>Streamlit</title>" in page


def test_a_wrong_method_or_path_is_a_problem_too(server):
    for method, path, status in (("GET", "/api/v1/predict", 405), ("GET", "/api/v2", 404)):
        found, headers, content = server.ask(method, path)
        assert (found, headers["content-type"]) == (status, "application/problem+json")
        assert content["status"] == status


def test_token_and_rate_and_foreign_scripts(guarded_server):
    ask, right = guarded_server.ask, {"Authorization": "Bearer open sesame"}
    assert ask("GET", "/api/v1/healthz")[0] == 200
    for headers in ({}, {"Authorization": "Bearer close sesame"}, {"Authorization": "Basic open sesame"}):
        status, found, content = ask("POST", "/api/v1/predict", face_png(200), {"Content-Type": "image/png", **headers})
        assert (status, found["www-authenticate"]) == (401, "Bearer")
        assert content["detail"] == "The bearer token is missing or wrong."
    assert ask("GET", "/api/v1/metrics")[0] == ask("GET", "/api/v1/runs")[0] == 401

    body, kind = form([(f"{i}.png", face_png(200)) for i in range(4)])
    origin = {"Origin": "https://example.org"}
    status, headers, content = guarded_server.predict(body, kind, **right, **origin)
    assert (status, len(content["pictures"])) == (200, 4)
    assert headers["access-control-allow-origin"] == "https://example.org"
    status, headers, content = guarded_server.predict(body, kind, **right)
    assert status == 429 and 1 <= int(headers["retry-after"]) <= 60
    assert content["detail"] == "More than 5 pictures came from this address within a minute."
    schema = json.dumps(ask("GET", "/api/openapi.json")[2])
    assert "HTTPBearer" in schema and "open sesame" not in schema


def test_a_run_with_broken_figures_is_listed_without_them(runs_folder):
    (runs_folder / "emoscope" / "metrics.json").write_text('{"PrivateTest": 3}')
    assert [(run["key"], run["accuracy"]) for run in app._runs()["runs"]] == [("emoscope", {})]
