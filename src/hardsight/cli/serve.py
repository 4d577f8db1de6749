"""``hardsight serve``: detectors behind HTTP, with a page and an inspection log."""

from pathlib import Path
from typing import Annotated

import typer

from hardsight.cli.console import explained, say
from hardsight.cli.following import connected
from hardsight.cli.options import Beside, Connections, Device, check_given, only_with
from hardsight.core.extras import needed
from hardsight.core.outputs import check_file, check_folder

EXTRA = "'hardsight[serve]'"


def serve(
    context: typer.Context,
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN", help="Run folders, exports or bundles, each served under its name."
        ),
    ],
    beside: Beside = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="Hashes of bearer tokens. Where there is no such file it is made, and its token "
            "is shown once."
        ),
    ] = None,
    token_days: Annotated[
        float, typer.Option(min=0, max=36_500, help="How long a new token is good for.")
    ] = 365,
    log: Annotated[
        str,
        typer.Option(help="The inspection log: a file for SQLite, or postgresql://USER@HOST/NAME."),
    ] = "inspection/log.db",
    pictures: Annotated[
        Path, typer.Option(help="Folder of thumbnails and heat maps of decisions.")
    ] = Path("inspection/pictures"),
    keep: Annotated[str, typer.Option(help="Whose pictures are kept: all, alarms, none.")] = (
        "alarms"
    ),
    picture_budget: Annotated[
        float, typer.Option(min=0, max=2**20, help="GiB of pictures; the oldest go first.")
    ] = 1.0,
    to: Connections = None,
    state: Annotated[
        Path, typer.Option(help="Folder for what connections did not deliver yet.")
    ] = Path("inspection/connections"),
    device: Device = "auto",
) -> None:
    """Serve detectors to a line, to scripts and to a browser, until Ctrl-C.

    Open the address it prints in a browser, or send an image with curl, as below.

    A decision is answered only once it is in the inspection log on disk; nothing in that log is
    ever changed. Clients of the open inference protocol (Triton, KServe, OpenVINO Model Server)
    work too. `/openapi.json` describes all of it, `/metrics` is for Prometheus, and logs are lines
    of JSON on stderr. Ctrl-C or SIGTERM finishes what was accepted. Needs the extra `serve`.

    With `--beside` two detectors decide: a part is good, suspicious or a defect. Where
    `HARDSIGHT_BUNDLE_KEY` names a public key, bundles must be signed for it.

    Examples:

        hardsight serve runs/parts
        curl -F images=@part.png http://127.0.0.1:8000/v1/models/parts/score
        # two detectors: good, suspicious or a defect
        hardsight serve runs/parts --beside runs/quick
        # two models, for other machines, which need a token
        hardsight serve runs/parts runs/lids --host 0.0.0.0 --token-file t.json
    """
    check_given(*runs, beside, device=device)
    with explained():
        if beside is not None and len(runs) > 1:
            raise ValueError(f"--beside is for one run, got {len(runs)}; serve the others apart")
        if not to:
            only_with(context, "--to", "state")
        if token_file is None:
            only_with(context, "--token-file", "token_days")
        needed("fastapi", EXTRA, "hardsight serve")
        from hardsight.connections import listener
        from hardsight.serve.log.pictures import Policy
        from hardsight.serve.logs import logged_as_json
        from hardsight.serve.models import Origin
        from hardsight.serve.server import listen, run
        from hardsight.serve.service import Place, Service
        from hardsight.serve.tokens import Tokens

        check_folder(pictures, "--pictures")
        if "://" not in log:
            check_file(Path(log), "--log")
        if token_file is not None:
            check_file(token_file, "--token-file")
        policy = Policy(keep, int(picture_budget * 2**30))
        if token_file is not None and not token_file.exists():
            token = Tokens.make(token_file, token_days)
            say("Token, shown this once: ", (token, "bold"))
        tokens = None if token_file is None else Tokens(token_file)
        origins, place = [Origin(run, beside) for run in runs], Place(log, pictures, policy)
        with (
            logged_as_json(),
            connected(to or (), state) as sinks,
            listen(host, port, tokens) as listening,
            Service(origins, place, device=device) as service,
        ):
            for sink in sinks:
                service.log.listen(listener(sink))
            shown = f"[{host}]" if ":" in host else host
            say("Serving at ", (f"http://{shown}:{listening.getsockname()[1]}/", "bold"))
            for model in service.models:
                say(f"{model.name}: {model.calibration.statement}")
            say(f"Decisions go to {service.log.url.render_as_string()}; Ctrl-C ends it.")
            run(service, listening, tokens)
            say("Stopped; what was accepted is in the log.")
