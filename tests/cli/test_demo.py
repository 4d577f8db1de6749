"""What ``hardsight demo`` leaves in its run, and says of what is there."""

import shutil

from typed import call, words

from hardsight.cli.demo import attacked, say_found
from hardsight.cli.evaluate import say_measured
from hardsight.config import load_preset
from hardsight.core.progress import quiet
from hardsight.runs import open_detector_run, start_run


def test_its_card_has_the_figures_and_names_the_run_in_one_way(run, capsys):
    opened = open_detector_run(run)
    found = attacked(opened, "2/255", 0, "cpu", quiet)
    say_measured(opened, found, run / "evaluation")
    assert found.provenance["preset"] == opened.config.preset
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "| eot-pgd | L-inf 2/255 |" in card
    assert "Nothing was measured" not in card
    assert "hardsight audit RUN" in card
    assert f"hardsight audit {run}" not in card
    assert "eot-pgd" in capsys.readouterr().out


def test_what_an_earlier_one_left_is_named_with_the_way_to_begin_afresh(run, tmp_path, capsys):
    place = tmp_path / "brick"
    shutil.copytree(run, place)
    shutil.rmtree(place / "evaluation", ignore_errors=True)

    def said() -> str:
        say_found(open_detector_run(place))
        return capsys.readouterr().out

    afresh = f"To begin afresh, remove {place}, or name another folder with --folder.\n"
    assert said().startswith(f"An earlier demo left a trained detector in {place}; ")
    attacked(open_detector_run(place), "2/255", 0, "cpu", quiet)
    found = said()
    assert found.startswith("An earlier demo left a trained detector and attacked batches in ")
    assert found.endswith(afresh)
    shutil.rmtree(place / "evaluation")
    (place / "metrics.json").unlink()
    assert said().startswith("An earlier demo left an interrupted training in ")


def test_nothing_is_named_where_nothing_was_done(tmp_path, capsys):
    start_run(tmp_path / "brick", load_preset("demo"))
    say_found(open_detector_run(tmp_path / "brick"))
    assert capsys.readouterr().out == ""


def test_a_texture_that_there_is_not_is_refused_before_anything_is_written(tmp_path):
    done = call("demo", "brik", "--folder", tmp_path / "demo")
    assert done.exit_code == 1
    assert "TEXTURE='brik' is not known; choose from brick, grass, gravel" in words(done)
    assert not (tmp_path / "demo").exists()


def test_a_radius_that_is_none_is_refused_before_anything_is_trained(tmp_path):
    for eps, said in (("x", "eps='x' is not a number"), ("-1", "eps='-1' must be finite and >= 0")):
        done = call("demo", "--eps", eps, "--folder", tmp_path / "demo")
        assert done.exit_code == 1
        assert said in words(done)
        assert not (tmp_path / "demo").exists()


def test_another_seed_leaves_the_data_of_the_run_that_is_there(tmp_path):
    folder = tmp_path / "demo"
    config = load_preset("demo").updated({"data.path": str(folder / "data" / "brick")})
    run = start_run(folder / "brick", config)
    (run.path / "training").mkdir()
    (folder / "data" / "brick").mkdir(parents=True)
    done = call("demo", "--folder", folder, "--seed", 1)
    assert done.exit_code == 1
    assert "training.seed is 0 there, not 1" in words(done)
    assert not any((folder / "data" / "brick").iterdir())
