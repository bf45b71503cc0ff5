#!/bin/sh
# build.sh FOLDER: two tiny FFmpeg builds from Debian's source package, as FOLDER/lgpl-fdk-aac/ffmpeg and
# FOLDER/gpl-nonfree/ffmpeg. Both hold fdk-aac, linked statically; the second x264 besides:
#
#   lgpl-fdk-aac   no --enable-gpl, no --enable-nonfree: configure accepts that, and the build says LGPL
#   gpl-nonfree    --enable-gpl --enable-nonfree
#
# Needs gcc, make, pkg-config, apt-get and Debian's mirror, no root: the packages are unpacked in FOLDER, not installed.
set -eu
mkdir -p "$1"
cd "$1"
here=$(pwd)
suite=bookworm
keys=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=http://deb.debian.org/debian

mkdir -p apt/lists/partial apt/archives/partial apt/etc
echo "deb [signed-by=$keys] $mirror $suite main non-free
deb-src [signed-by=$keys] $mirror $suite main" >apt/etc/sources.list
apt() {
    apt-get -qq -o Dir::Etc::SourceList="$here/apt/etc/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$here/apt/lists" -o Dir::Cache="$here/apt" -o Debug::NoLocking=true \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}
apt update
apt download libx264-dev libfdk-aac-dev
for package in libx264-dev_*.deb libfdk-aac-dev_*.deb; do
    dpkg-deb -x "$package" root
done
[ -f ffmpeg/configure ] || {
    apt source --download-only ffmpeg >/dev/null
    mkdir -p ffmpeg
    tar -xf ffmpeg_*.orig.tar.xz -C ffmpeg --strip-components=1
}

libraries=$(echo root/usr/lib/*-linux-gnu)
# The shared libraries aren't there, only the links to them; the archives are what shall be linked.
rm -f "$libraries"/*.so
PKG_CONFIG_LIBDIR="$here/$libraries/pkgconfig"
PKG_CONFIG_SYSROOT_DIR="$here/root"
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR

build() {
    name=$1
    shift
    mkdir -p "$name"
    (
        cd "$name"
        ../ffmpeg/configure --disable-everything --disable-autodetect --disable-doc --disable-x86asm \
            --disable-network --disable-debug --disable-ffplay --disable-ffprobe --pkg-config-flags=--static \
            --optflags=-O1 \
            --enable-libfdk-aac --enable-encoder=libfdk_aac,pcm_s16le,wrapped_avframe --enable-decoder=libfdk_aac,pcm_s16le \
            --enable-protocol=file --enable-muxer=wav,null,adts --enable-demuxer=wav,aac \
            --enable-filter=aresample,anull,null,scale,format,aformat "$@" >configure.txt 2>&1 ||
            { tail -20 configure.txt >&2; exit 1; }
        make -j "$(nproc)" ffmpeg >make.txt 2>&1 || { tail -20 make.txt >&2; exit 1; }
    )
}
build lgpl-fdk-aac
build gpl-nonfree --enable-gpl --enable-nonfree --enable-libx264 --enable-encoder=libx264
