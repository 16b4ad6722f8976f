#!/bin/sh
# Brings Postfix for tests/crash/test_campaign_killed.py, which runs an instance of its own in a
# temporary folder; the service of the machine is neither configured nor started by it.
set -eu
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postfix
