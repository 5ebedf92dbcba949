"""Builds the tools that check deploy/, and the schemas they check it against, into build/deploy; needs Go.

`python -m tests.deploy.make_tools`, once; some ten minutes. Kubernetes' schemas are those of its OpenAPI
file, and KEDA's are in its resource definitions: both come in their source modules, and are made strict here,
so that a field that does not exist is an error.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.deploy.tools import KUBERNETES, TOOLS

HELM = "helm.sh/helm/v3/cmd/helm@v3.19.0"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0"
TOFU = "github.com/opentofu/opentofu@v1.10.6"
KEDA = "github.com/kedacore/keda/v2@v2.17.2"
KINDS = {
    "io.k8s.api.apps.v1.Deployment": "deployment-v1",
    "io.k8s.api.core.v1.ServiceAccount": "serviceaccount-v1",
    "io.k8s.api.networking.v1.NetworkPolicy": "networkpolicy-v1",
}
_EITHER = {"anyOf": [{"type": "string"}, {"type": "number"}]}
_EITHERS = (
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
)


def main() -> None:
    if shutil.which("go") is None:
        sys.exit("make_tools: Go is not installed, and the tools are built with it: apt-get install golang")
    (TOOLS / "bin").mkdir(parents=True, exist_ok=True)
    schemas = TOOLS / "schemas"
    schemas.mkdir(exist_ok=True)
    of_kubernetes(_downloaded(f"k8s.io/kubernetes@v{KUBERNETES}"), schemas)
    of_keda(_downloaded(KEDA), schemas)
    for address in (HELM, KUBECONFORM):
        subprocess.run(["go", "install", address], env=os.environ | {"GOBIN": f"{TOOLS}/bin"}, check=True)
    _build_tofu()


def of_kubernetes(module: Path, folder: Path) -> None:
    """A schema for each of KINDS from Kubernetes' OpenAPI file."""
    text = (module / "api" / "openapi-spec" / "swagger.json").read_text(encoding="utf-8")
    definitions = {name: strict(each) for name, each in json.loads(text)["definitions"].items()}
    definitions |= dict.fromkeys(_EITHERS, _EITHER)
    for name, file in KINDS.items():
        schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
        (folder / f"{file}.json").write_text(json.dumps(schema), encoding="utf-8")


def of_keda(module: Path, folder: Path) -> None:
    """The schemas of KEDA's own resources."""
    for plural in ("scaledobjects", "triggerauthentications"):
        path = module / "config" / "crd" / "bases" / f"keda.sh_{plural}.yaml"
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        (version,) = spec["versions"]
        file = folder / f"{spec['names']['kind'].lower()}-{version['name']}.json"
        file.write_text(json.dumps(strict(version["schema"]["openAPIV3Schema"])), encoding="utf-8")


def strict(schema: Any) -> Any:
    """`schema` with no room for a property that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict) and "type" in made:
        made.setdefault("additionalProperties", False)
    return made


def _downloaded(module: str) -> Path:
    done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def _build_tofu() -> None:
    """OpenTofu replaces modules of its own, so `go install` refuses it: it is built from a copy."""
    source = TOOLS / "opentofu"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(_downloaded(TOFU), source)
    subprocess.run(["chmod", "-R", "u+w", source], check=True)
    subprocess.run(["go", "build", "-o", f"{TOOLS}/bin/tofu", "./cmd/tofu"], cwd=source, check=True)
    shutil.rmtree(source)


if __name__ == "__main__":
    main()
