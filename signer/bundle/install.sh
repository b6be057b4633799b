#!/bin/sh
# Installs the signer from this folder, without a network and without root:
#
#     sh install.sh [PREFIX]
#
# PREFIX, by default ~/airgap-signer, must not exist yet. PYTHON in the environment
# names another interpreter. When anything fails, PREFIX is gone again.
set -eu
LC_ALL=C
export LC_ALL
umask 022

python=@PYTHON@
machine=@MACHINE@

fail() {
    printf 'install.sh: error: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then printf 'install.sh: hint: %s\n' "$2" >&2; fi
    exit 1
}

case $# in
0) prefix=${HOME:?}/airgap-signer ;;
1) prefix=$1 ;;
*) fail "expected at most one folder" "sh install.sh [PREFIX]" ;;
esac
case $prefix in
/*) ;;
-* | "") fail "'$prefix' is no folder" "sh install.sh [PREFIX]" ;;
*) prefix=$(pwd)/$prefix ;;
esac

# The files of this folder are exactly those that SHA256SUMS lists, unchanged.
cd -- "$(dirname -- "$0")"
here=$(pwd -P)
carry="do not install from this folder; carry the tar file over again"
[ -f SHA256SUMS ] || fail "SHA256SUMS is missing" "$carry"
if grep -q -v '^[0-9a-f]\{64\}  [A-Za-z0-9_./+-]*$' SHA256SUMS; then
    fail "SHA256SUMS has a line that is none of ours" "$carry"
fi
listed=$(sed 's/^[0-9a-f]*  //' SHA256SUMS)
missing=$(printf '%s\n' "$listed" | while IFS= read -r name; do
    if [ ! -f "$name" ] || [ -L "$name" ]; then printf ' %s' "$name"; fi
done)
[ -z "$missing" ] || fail "missing:$missing" "$carry"
extra=$(find . ! -type d ! -path ./SHA256SUMS | sed 's|^\./||' |
    while IFS= read -r name; do
        printf '%s\n' "$listed" | grep -q -F -x -e "$name" || printf ' %s' "$name"
    done)
[ -z "$extra" ] || fail "not a part of the bundle:$extra" "$carry"
if ! changed=$(sha256sum -c SHA256SUMS 2>/dev/null); then
    changed=$(printf '%s\n' "$changed" | sed -n 's/: FAILED.*//p' | tr '\n' ' ')
    fail "changed since the bundle was built: $changed" "$carry"
fi

# The wheels hold native code: for one processor and one Python.
[ "$(uname -m)" = "$machine" ] ||
    fail "this bundle is for $machine, this machine is $(uname -m)"
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- "python$python" python3; fi
interpreter=
for candidate; do
    version=$("$candidate" -I -c 'import sys
print(sys.implementation.name, "%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if [ "$version" = "cpython $python" ]; then
        interpreter=$candidate
        break
    fi
done
[ -n "$interpreter" ] || fail "this bundle is for Python $python, which is not here" \
    "install it, name it by PYTHON=, or build a bundle for the Python of this machine"

if [ -e "$prefix" ] || [ -L "$prefix" ]; then
    fail "$prefix exists already; nothing is overwritten" \
        "name another folder: sh install.sh PREFIX"
fi
mkdir -- "$prefix" || fail "cannot make $prefix"
trap 'rm -rf -- "$prefix"' EXIT
trap 'exit 1' HUP INT TERM

# pip works from inside its wheel and is not installed: it could speak to a network.
"$interpreter" -I -m venv --without-pip -- "$prefix" || fail "cannot fill $prefix"
set -- "$here"/installer/pip-*.whl
pip_wheel=$1
pip() {
    "$prefix/bin/python" -I "$pip_wheel/pip" --isolated --quiet \
        --disable-pip-version-check --no-input --no-cache-dir "$@"
}
pip install --no-index --find-links "$here/wheels" --only-binary :all: --no-deps \
    --require-hashes --requirement "$here/requirements.txt" \
    --root-user-action ignore || fail "the wheels could not be installed"
pip check || fail "the bundle does not hold all that the signer needs"
"$prefix/bin/airgap-signer" selftest || fail "the self-test failed"
trap - EXIT

cat <<END

Installed in $prefix.

Next:
    export PATH="$prefix/bin:\$PATH"
    airgap-signer checkconfig    how this machine is set up
    airgap-signer init           a first wallet storage
    airgap-signer --help

Write down the digest after "software" above. Keep the older version, if there is
one, until this one has opened your storage.
END
