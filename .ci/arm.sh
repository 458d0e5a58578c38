# shellcheck shell=bash
# Tells tests where the ARM program is and how to run it on this machine; sourced after setup.sh.

CROSS=target/cross
# Debian 12's C library for ARM: programs are linked against it and run with it, so they run on Debian 12 and later.
SYSROOT="$CROSS/sysroot-aarch64"

# Where the emulator has been renamed, its old name is gone.
QEMU=qemu-aarch64-static
has "$QEMU" || ! has qemu-aarch64 || QEMU=qemu-aarch64

export ROOST_CROSS_BIN="$PWD/$CROSS/aarch64/roost"
export ROOST_QEMU="$QEMU -L $PWD/$SYSROOT"
