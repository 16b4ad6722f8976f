#!/bin/sh
# Brings RSigma, the engine that bench/rules/run.py compares with, into .tools of the checkout.
# It is built from its own registry by Rust's package manager; newer releases want a newer Rust.
set -eu
cd "$(dirname "$0")/../.."
if ! command -v cargo >/dev/null; then
    echo "NOT INSTALLED: RSigma is built with Rust's cargo, which is not on the path" >&2
    exit 2
fi
exec cargo install rsigma --locked --version "${RSIGMA_VERSION:-0.23.0}" --root .tools
