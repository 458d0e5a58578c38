#!/usr/bin/env bash
# Checks the project's shell scripts with shellcheck.
set -euo pipefail
shellcheck --external-sources dev .ci/run .ci/*.sh
