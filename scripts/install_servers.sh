#!/bin/sh
# Install what the server tests need beyond the Python lock: Azurite by npm, and with --debian
# Node.js, Java for Spark and a Chromium for the report's tests. All come from whatever registries
# npm and apt are set up with.
set -eu

azurite_version=3.37.0

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
with_debian=no
for argument in "$@"; do
    case "$argument" in
        --debian) with_debian=yes ;;
        *) echo "usage: $0 [--debian]" >&2; exit 2 ;;
    esac
done

# True when the pinned Azurite is already there, so that a second run costs nothing.
azurite_is_installed() {
    manifest=$root/node_modules/azurite/package.json
    [ -x "$root/node_modules/.bin/azurite-blob" ] \
        && grep -q "\"version\": *\"$azurite_version\"" "$manifest"
}

install_azurite() {
    if azurite_is_installed; then
        echo "azurite $azurite_version is installed"
        return
    fi
    if ! command -v npm >/dev/null 2>&1; then
        echo "npm is not installed: install Node.js 20 or newer, then run this again" >&2
        exit 1
    fi
    # --no-save and --no-package-lock: a lock of npm records the registry's address.
    npm install --prefix "$root" --no-save --no-package-lock --no-audit --no-fund \
        "azurite@$azurite_version"
    azurite_is_installed || { echo "azurite did not install" >&2; exit 1; }
}

# The Debian package that brings a command, unless the command is there.
install_command() {
    command=$1
    package=$2
    if command -v "$command" >/dev/null 2>&1; then
        echo "$command is installed"
        return
    fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "$command is left out: package $package needs root and apt-get" >&2
        return
    fi
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$package"
}

if [ "$with_debian" = yes ]; then
    install_command npm npm
    install_command java default-jre-headless
    install_command chromium chromium
fi
install_azurite
