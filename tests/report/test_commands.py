"""The commands that a page offers."""

from pathlib import Path

from sparring.report.record import read
from sparring.report.train import commands, train_report
from tests.report.runs import finish, make_run


def test_commands_fit_the_state(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a run", overrides="- name=it's\n- seed=1\n- resume=x\n")
    assert dict(commands(read(run))) == {"Repeat it from the start": "sparring train 'name=it'\"'\"'s' seed=1"}
    (run / "weights.safetensors").touch()
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.ckpt").touch()
    typed = dict(commands(read(finish(run, "interrupted"))))
    assert typed["Continue where it stopped"] == "sparring train 'resume=a run'"
    assert typed["Draw images from this generator"] == "sparring generate 'run=a run' count=100 'format=[grid,folder]'"
    assert "trainer.max_steps=150" in dict(commands(read(finish(run))))["Train it for longer"]


def test_commands_name_again_what_no_run_directory_may_choose(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", overrides="- extensions=[mine]\n- model=mine\n")
    (run / ".hydra" / "hydra.yaml").write_text("hydra: {searchpath: ['file:///a/conf'], run: {dir: '${x}'}}\n")
    for name in ("weights.safetensors", "checkpoints/last.ckpt"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).touch()
    typed = dict(commands(read(finish(run, "interrupted"))))
    assert typed["Continue where it stopped"] == "sparring train resume=run --config-dir /a/conf 'extensions=[mine]'"
    again = "sparring train 'extensions=[mine]' model=mine --config-dir /a/conf"
    assert typed["Repeat it from the start"] == again
    assert typed["Draw images from this generator"].endswith(" 'extensions=[mine]'")


def test_a_run_with_a_network_made_in_python_names_no_command(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"))
    (run / "weights.safetensors").touch()
    settings = run / ".hydra" / "config.yaml"
    built = "_target_: sparring.model.generator.conv.ConvGenerator"
    settings.write_text(settings.read_text().replace(built, "_given_: mine.Net"))
    assert dict(commands(read(run))) == {"Open it in Python": f"sparring.open({str(run)!r}, generator=<the network>)"}
    assert "sparring.open(" in train_report(run).read_text()


def test_a_run_whose_overrides_are_not_known_is_not_repeated_by_a_command(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"))
    assert "Repeat it from the start" in dict(commands(read(run)))
    (run / ".hydra" / "overrides.yaml").unlink()
    assert "Repeat it from the start" not in dict(commands(read(run)))
