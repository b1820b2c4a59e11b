"""The S3 server of compose.yaml and the bucket in it."""

from __future__ import annotations

import json
import os

import yaml
from preloaded import run_preloaded

from integrations.amazon import aws_server
from support import ROOT


def test_the_bucket_is_created_once_by_the_workers_own_image(tmp_path):
    """Started again, the service finds the bucket and ends well."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    bucket = services["bucket"]
    assert bucket["image"] == services["worker"]["image"]
    assert services["worker"]["depends_on"]["bucket"] == {
        "condition": "service_completed_successfully"
    }
    config = json.loads(bucket["environment"]["S3_CONFIG"])
    with aws_server() as url:
        environment = os.environ | {"S3_CONFIG": json.dumps(config | {"endpoint": url})}
        for _ in range(2):
            made = run_preloaded(["-c", *bucket["command"]], cwd=tmp_path, env=environment)
            assert made.returncode == 0, made.stderr
