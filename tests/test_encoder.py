"""A model2vec model as the selection sees it, and what is said where there is none to be had."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from newsletter.encoder import encoder_for
from newsletter.errors import ConfigError

TEXTS = ["A car on the road", "Vehicles in traffic", "Folding of proteins", ""]


@pytest.fixture(scope="module")
def encoder(model_folder):
    return encoder_for(str(model_folder))


@pytest.fixture
def hub(model_folder, monkeypatch, tmp_path):
    """The hub's cache on this machine, empty; the hub itself is not to be reached."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("model2vec.persistence.hf.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def refusal(name: object) -> str:
    with pytest.raises(ConfigError) as refused:
        encoder_for(str(name))
    said = str(refused.value)
    assert said.startswith("selection.model: ")
    assert "or leave it empty" in said, "the way out"
    assert "\n" not in said
    return said


def test_texts_of_one_meaning_are_nearer_than_others(encoder):
    car, vehicles, proteins, _ = encoder.encode(TEXTS)
    assert car @ vehicles > car @ proteins + 0.1


def test_vectors_are_of_unit_length_or_nothing(encoder):
    rows = encoder.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (4, encoder.width)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0], atol=1e-6)


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, encoder.width)


def test_a_text_has_the_same_vector_in_any_company(encoder):
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_array_equal(alone, encoder.encode(TEXTS))
    np.testing.assert_array_equal(alone[::-1], encoder.encode(TEXTS[::-1]))


def test_several_threads_may_ask_at_once(encoder):
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(encoder.encode, [TEXTS] * 200):
            np.testing.assert_array_equal(rows, expected)


def test_no_name_is_no_encoder():
    assert encoder_for("") is None


def test_what_nobody_asked_for_is_not_imported():
    found = "{'model2vec', 'tokenizers', 'huggingface_hub'} & set(sys.modules)"
    script = (
        f"import sys, newsletter.app, newsletter.encoder as e; e.encoder_for(''); print({found})"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_a_missing_extra_is_told_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "model2vec", None)
    assert "pip install 'newsletter[semantic]'" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./models/none", "potion"])
def test_a_missing_directory_is_told(name):
    assert f"there is no directory {name}" in refusal(name)


def test_a_hub_out_of_reach_is_told(hub):
    said = refusal("lab/tiny-model")
    assert "lab/tiny-model is neither a directory here nor could it be had from the hub" in said


def test_what_the_hub_gave_before_needs_no_network(hub, model_folder):
    shutil.copytree(model_folder, hub / "models--lab--tiny-model" / "snapshots" / "0123abcd")
    assert encoder_for("lab/tiny-model").width == encoder_for(str(model_folder)).width


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b"no tensors"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"\xff"),
        ("config.json", b"no JSON"),
    ],
)
def test_a_broken_model_is_told(model_folder, tmp_path, file, content):
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    (broken / file).unlink()
    if content is not None:
        (broken / file).write_bytes(content)
    assert f"{broken} holds no usable model" in refusal(broken)


def test_a_model_of_no_numbers_is_told(model_folder, tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    vectors = numpy_files.load_file(broken / "model.safetensors")["embeddings"]
    numpy_files.save_file({"embeddings": vectors * np.nan}, broken / "model.safetensors")
    assert "gives no usable numbers" in refusal(broken)
