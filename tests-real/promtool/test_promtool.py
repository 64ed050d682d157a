"""What `greenroom serve` tells Prometheus, and the rules that are shipped for it, judged by Prometheus' own promtool."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from stage import GREENROOM, log_in, make_key, stage
from support import TOP, check, expect, http, run_checks

RULES = TOP / "ops/prometheus"


def promtool(*arguments, text=None):
    """Runs promtool; gives its whole output, which is empty or ends with SUCCESS where all is well."""
    program = shutil.which("promtool")
    expect(program, "promtool of Debian's package `prometheus` is missing")
    ran = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, cwd=RULES, check=False)
    expect(ran.returncode == 0, f"promtool {' '.join(arguments)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout + ran.stderr


class Walk:
    """What one check hands to the next."""

    def __init__(self, serving):
        self.serving = serving
        cookie = log_in(serving)
        self.reader = make_key(cookie, "read")
        self.metrics = make_key(cookie, "metrics")


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@check
def the_metrics_page_passes_promtool(walk):
    # A provider that is called, a page that is asked for, and one that is not there.
    http("POST", f"{GREENROOM}/api/admin/oauth/setup/", form={"manager_email": "ana@example.com", "notify": "true"})
    http("GET", f"{GREENROOM}/nowhere/ana@example.com")
    status, headers, text = http("GET", f"{GREENROOM}/metrics", headers=bearer(walk.metrics))
    expect(status == 200, f"/metrics was answered with {status}: {text}")
    expect(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers["Content-Type"])
    out = promtool("check", "metrics", text=text)
    expect(out.strip() == "", f"promtool has something to say:\n{out}")
    for name in ["greenroom_build_info", "greenroom_database_up 1", "greenroom_http_request_seconds_bucket", "process_cpu_seconds_total"]:
        expect(name in text, f"{name} is missing:\n{text}")
    for secret in ["@", "grk_", "stage-secret", "nowhere"]:
        expect(secret not in text, f"{secret} stands in the metrics:\n{text}")
    expect(not re.search(r"[a-z]{3}_[0-9a-f]{32}", text), "an id stands in the metrics")


@check
def only_keys_with_that_right_read_metrics(walk):
    expect(http("GET", f"{GREENROOM}/metrics")[0] == 401, "nobody reads them")
    status, _, text = http("GET", f"{GREENROOM}/metrics", headers=bearer(walk.reader))
    expect(status == 403 and json.loads(text)["code"] == "forbidden", f"a reader got {status}: {text}")


@check
def the_shipped_rules_pass_promtool(walk):
    expect("SUCCESS" in promtool("check", "rules", "greenroom.rules.yml"), "the rules are not fine")
    expect("SUCCESS" in promtool("test", "rules", "greenroom.test.yml"), "the rules do not do what their tests say")


@check
def every_metric_that_the_rules_name_is_there(walk):
    text = http("GET", f"{GREENROOM}/metrics", headers=bearer(walk.metrics))[2]
    names = set(re.findall(r"\b((?:greenroom|process)_[a-z_]+)\b(?=[{\[)\s])", (RULES / "greenroom.rules.yml").read_text()))
    expect(len(names) >= 6, f"too few metrics are named: {names}")
    for name in names:
        expect(name in text, f"{name} stands in a rule and not in /metrics")


if __name__ == "__main__":
    with stage() as serving:
        sys.exit(run_checks(Walk(serving)))
