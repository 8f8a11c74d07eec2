#!/bin/sh
# private_host.sh: process 1 of a private host.
#
#   unshare --mount --net --pid --uts --ipc --fork \
#       private_host.sh [--cgroups] [--layer=FILE] BASE NEW READ-ONLY...
#
# Lays an overlay of BASE with a tmpfs on top (everything written is gone with the host), makes it
# the root of these namespaces at the empty directory NEW, shows each READ-ONLY directory at its own
# path, with --cgroups the machine's control groups too (a container's systemd needs some of its own),
# and then waits for the end of its standard input: the tests hold the other end, so whichever
# way they end, the kernel ends every process in here.
#
# What is written lies in the directory that is open as descriptor 3; FILE is a tar archive of what
# was written in another host, to begin with.
#
# Standard output: the process id as the outside knows it, then "ready".
set -eu
# /proc is still the machine's, so this is the number that nsenter needs.
read -r pid _ </proc/self/stat
echo "$pid"

cgroups='' layer=''
while :; do
	case $1 in
	--cgroups) cgroups=yes ;;
	--layer=*) layer=${1#*=} ;;
	*) break ;;
	esac
	shift
done
base=$1 new=$2
shift 2

mount -t tmpfs -o mode=755 tmpfs "$new"
mkdir "$new/upper" "$new/work" "$new/root"
# The kernel's marks for what is removed, or made anew, are among the extended attributes.
[ -z "$layer" ] || tar -C "$new/upper" --acls --xattrs --xattrs-include='*' -xpf "$layer"
exec 3<"$new/upper"
mount -t overlay -o "lowerdir=$base,upperdir=$new/upper,workdir=$new/work" overlay "$new/root"
root=$new/root

mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/lock"
chmod 1777 "$root/run/lock"
: >"$root/run/private-host"
mount -t sysfs -o ro sysfs "$root/sys"
[ -z "$cgroups" ] || mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"

# A /dev of its own: the machine's may hold the socket of a syslog daemon.
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
	: >"$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

for directory; do
	mkdir -p "$root$directory"
	mount --bind "$directory" "$root$directory"
	mount -o remount,bind,ro "$root$directory"
done

cd "$root"
mkdir -p .machine
pivot_root . .machine
cd /
umount -l /.machine
rmdir /.machine

# An ignored SIGCHLD stays ignored over exec, so the kernel reaps the orphans that end up here.
trap '' CHLD
echo ready
exec cat >/dev/null 2>&1
