#!/bin/sh
# install.sh: install postwrap on this host, or remove it
#
#   sudo ./install.sh                  (--help tells the options)
#
# Makes a virtual environment from this checkout, PREFIX/lib/postwrap/venv-CHECKSUM, links
# PREFIX/sbin/postwrap to the launcher in it (packaging/launcher) and runs "postwrap install". What
# postwrap runs on comes with a release, in vendor/; for a checkout pip fetches it
# (packaging/requirements.txt). The link is what counts: it is moved in one step from the old, whole
# environment to the new, whole one, so an interrupted run leaves a postwrap that works, and the same
# command again finishes the job. Where nothing has changed, nothing is written.
#
# Exit: 0 done, 1 done but for an instance that was skipped or a file that was kept, 2 usage,
# 3 refused, nothing changed, 4 failed (packages that were installed by then stay).
set -eu
umask 022

# --- the caller's environment ---

# What root runs is decided by the system, not by where and how sudo was typed: programs come from
# the system's own directories, and of the environment stays what is for the terminal, for the way
# out to the network, and PYTHON, which is looked at. An ordinary user's own stays but for what
# misleads Python. -I, wherever Python is called: its modules do not come from the current directory.
# bash takes functions from the environment, also ones called like commands.
unset -f env id sed
caller_path=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
is_root=''
[ "$(id -u)" != 0 ] || is_root=yes

# variables: the names in the environment; those of functions as name()
variables() {
	env | sed -n -e 's/^BASH_FUNC_\([A-Za-z0-9_.-]*\)%%=.*/\1()/p' \
		-e 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'
}

for name in $(variables); do
	case $is_root$name in
	yes*'()') unset -f "${name%??}" ;;
	yesPATH | yesPWD | yesTERM | yesTZ | yesLANG | yesLC_* | yesPYTHON | yesPIP_*) ;;
	yeshttp_proxy | yeshttps_proxy | yesno_proxy | yesHTTP_PROXY | yesHTTPS_PROXY | yesNO_PROXY) ;;
	yesSSL_CERT_FILE | yesSSL_CERT_DIR) ;;
	yesSHELLOPTS | yesBASHOPTS | yesUID | yesEUID | yesPPID) ;; # bash lets nobody unset these
	yes* | PYTHON?* | CDPATH) unset "$name" 2>/dev/null || : ;;
	esac
done
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER
if [ -n "$is_root" ]; then
	HOME=~root
	export HOME PATH
else
	PATH=$caller_path
fi
# Python would leave byte-code all over the host.
export PYTHONDONTWRITEBYTECODE=1

SOURCES="generator wrappers completions man units packaging"

prefix=/usr/local destdir='' yes='' deps=yes verb=install create='' answered='' work='' unfinished=''
modules='' status=0 taken=0 again='' meant='' locked='' held=''
# Where postwrap keeps its records, and the lock of what makes, changes or removes an instance.
records=/var/lib/postwrap

usage() {
	cat <<-'END'
		Usage: ./install.sh [OPTION]... [--create NAME [OPTION OF postwrap create]...]

		Install postwrap on this host, with commands for every Postfix instance. An ordinary user who
		may write to PREFIX gets the commands under ~/.local.

		  --prefix DIR    install under DIR instead of /usr/local
		  --destdir DIR   stage everything in DIR, for a package; installs no other packages
		  -y, --yes       ask nothing: install missing packages (Python, Postfix), create NAME
		  --no-deps       install no packages; print the command to type, and stop
		  --uninstall     remove postwrap and the commands that it installed; packages stay
		  --create NAME … then create a secondary instance: the rest goes to "postwrap create NAME …"
		  -h, --help      print this

		PYTHON=/path/to/python3 chooses the interpreter (for root one that is root's own). A release
		needs no network; from a checkout pip fetches what postwrap runs on, and obeys its own
		settings: PIP_INDEX_URL, …, and for a host without network PIP_NO_INDEX=1
		PIP_FIND_LINKS=DIR (packaging/requirements.txt tells how DIR is filled).
		Run it again after an upgrade of postwrap or of Python; where nothing changed, it does nothing.

		Exit: 0 done, 1 an instance was skipped or a file kept, 2 usage, 3 refused, 4 failed.
	END
}

# --- saying ---

say() {
	printf '%s\n' "$*"
}

# leave STATUS: the one way out that clean_up takes for meant
leave() {
	meant=yes
	exit "$1"
}

# stop STATUS MESSAGE REMEDY
stop() {
	printf 'install.sh: %s\n  remedy: %s\n' "$2" "$3" >&2
	leave "$1"
}

misuse() {
	stop 2 "$1" './install.sh --help'
}

refuse() {
	stop 3 "$1" "$2"
}

fail() {
	stop 4 "$1" "$2"
}

# quoted WORD: the word as one to paste into a shell
quoted() {
	case $1 in
	'' | *[!A-Za-z0-9_./:=@%+,-]*) printf "'%s'" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s' "$1" ;;
	esac
}

# --- the command line ---

# directory OPTION VALUE: the value as an absolute path without a slash at its end
directory() {
	case $2 in
	'') misuse "$1 needs a directory" ;;
	/*) directory=$2 ;;
	*) directory=$PWD/$2 ;;
	esac
	while [ "${directory%/}" != "$directory" ]; do directory=${directory%/}; done
}

# parse ARGUMENT...: sets the options, again (the command line, to be shown) and taken (how many
# arguments are install.sh's own)
parse() {
	again=$(quoted "$0")
	for word; do again="$again $(quoted "$word")"; done
	while [ $# -gt 0 ]; do
		taken=$((taken + 1))
		case $1 in
		--prefix | --destdir)
			[ $# -gt 1 ] || misuse "$1 needs a directory"
			directory "$1" "$2"
			eval "${1#--}=\$directory"
			taken=$((taken + 1))
			shift
			;;
		--prefix=* | --destdir=*)
			option=${1%%=*}
			directory "$option" "${1#*=}"
			eval "${option#--}=\$directory"
			;;
		-y | --yes) yes=yes ;;
		--no-deps) deps='' ;;
		--uninstall) verb=uninstall ;;
		-h | --help)
			usage
			leave 0
			;;
		--create)
			[ $# -gt 1 ] || misuse '--create needs the name of the new instance'
			create=yes
			for word; do
				case $word in -y | --yes | --dry-run | -h | --help) answered=yes ;; esac
			done
			break
			;;
		*) misuse "$1: no such option" ;;
		esac
		shift
	done
	[ -z "$create" ] || [ -z "$destdir" ] ||
		misuse '--create: cannot be combined with --destdir'
	[ -z "$create" ] || [ "$verb" = install ] || misuse '--create: cannot be combined with --uninstall'
	[ -z "$create" ] || [ -n "$yes$answered" ] || [ -t 0 ] || refuse \
		'--create: asks before it creates the instance, and standard input is not a terminal' \
		"give --yes: $(quoted "$0") --yes${again#"$(quoted "$0")"}"
}

# --- the host ---

# find_python: python, the first interpreter that will do; the system's own before any other, since
# an interpreter in somebody's home directory is no good to other users
find_python() {
	python=''
	if [ -n "${PYTHON-}" ]; then
		[ -z "$is_root" ] || is_roots "$PYTHON" || refuse \
			"PYTHON=$PYTHON: other users than root can change that program" 'unset PYTHON, or name another'
		serves "$PYTHON" || refuse "PYTHON=$PYTHON: not $NEEDED_PYTHON" 'unset PYTHON, or name another'
		python=$PYTHON
		return
	fi
	for candidate in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do
		candidate=$(PATH=/usr/bin:/bin:/usr/local/bin:$PATH command -v "$candidate") || continue
		[ -z "$is_root" ] || is_roots "$candidate" || continue
		if serves "$candidate"; then
			python=$candidate
			return
		fi
	done
	return 1
}

# is_roots PROGRAM: whether root alone can change it, what it links to, and the directories above
is_roots() {
	for one in "$(dirname "$1")" "$1"; do
		one=$(readlink -f "$one") || return 1
		while :; do
			[ -n "$(find "$one" -prune -user 0 ! -perm -20 ! -perm -2)" ] || return 1
			[ "$one" != / ] || break
			one=$(dirname "$one")
		done
	done
}

# serves PYTHON: where pip is needed, Debian's venv cannot do its work before python3-venv has brought
# ensurepip
serves() {
	"$1" -I -c "import sys, venv$ensurepip; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1
}

has_postfix() {
	PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin command -v postconf >/dev/null
}

# find_manager: the package manager of the distribution, by its own name first, since hosts have
# been seen with another's beside theirs
find_manager() {
	# shellcheck disable=SC1091
	family=$(. /etc/os-release 2>/dev/null && printf ' %s %s ' "${ID-}" "${ID_LIKE-}") || family=''
	case $family in
	*' debian '* | *' ubuntu '*) manager=apt-get ;;
	*' fedora '* | *' rhel '*) manager=dnf ;;
	*suse*) manager=zypper ;;
	*' arch '*) manager=pacman ;;
	*' alpine '*) manager=apk ;;
	*) manager='' ;;
	esac
	for candidate in $manager apt-get dnf zypper pacman apk; do
		if command -v "$candidate" >/dev/null; then
			manager=$candidate
			return
		fi
	done
	return 1
}

# python_packages: what brings Python and venv. A python3 that is there and too old stays the system's
# own, and a newer one comes beside it.
python_packages() {
	old=''
	! /usr/bin/python3 -I -c 'import sys; sys.exit(sys.version_info >= (3, 11))' 2>/dev/null || old=yes
	case $manager$old in
	apt-get) say python3 ${ensurepip:+python3-venv} ;;
	apt-getyes) say python3.11 ${ensurepip:+python3.11-venv} ;;
	dnfyes) say python3.12 ;;
	zypperyes) say python311 ;;
	pacman*) say python ;;
	*) say python3 ;;
	esac
}

is_installed() {
	case $manager in
	apt-get) dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed ;;
	dnf | zypper) rpm -q "$1" >/dev/null 2>&1 ;;
	pacman) pacman -Q "$1" >/dev/null 2>&1 ;;
	apk) apk info -e "$1" >/dev/null 2>&1 ;;
	esac
}

# The commands of the package managers. None may take a package away to make room for another: a
# host whose mail goes through another mail system keeps it (--no-remove; the others refuse alone).
installing() {
	case $manager in
	apt-get) say apt-get install --no-install-recommends --no-remove ;;
	pacman) say pacman -S --needed ;;
	apk) say apk add ;;
	*) say "$manager" install ;;
	esac
}

installing_unasked() {
	case $manager in
	apt-get) say "$(installing)" --yes --quiet ;;
	dnf) say "$(installing)" --assumeyes ;;
	zypper) say zypper --non-interactive install ;;
	pacman) say "$(installing)" --noconfirm ;;
	apk) installing ;;
	esac
}

removing() {
	case $manager in
	apt-get) say apt-get remove --auto-remove ;;
	zypper) say zypper remove --clean-deps ;;
	pacman) say pacman -Rs ;;
	apk) say apk del ;;
	*) say "$manager" remove ;;
	esac
}

# --- packages ---

# need_packages: what postwrap cannot do without is there when this returns
need_packages() {
	wanted='' lacking=''
	find_python || { wanted=python lacking=$NEEDED_PYTHON; }
	if [ -z "$destdir" ] && ! has_postfix; then
		wanted="$wanted postfix" lacking="${lacking:+$lacking and }Postfix"
	fi
	[ -n "$wanted" ] || return 0
	find_manager ||
		refuse "$lacking is not on this host" 'install that, and run the same command again'
	missing=$(missing_packages)
	[ -n "$missing" ] || refuse "$lacking was not found, but its packages are installed" \
		'reinstall them, or name an interpreter with PYTHON=…'
	may_install
	install_packages
	find_python || fail "the packages of this system brought no $NEEDED_PYTHON" \
		"install one, and run: $again"
	[ -n "$destdir" ] || has_postfix || fail 'the packages of this system brought no Postfix' \
		"install it, and run: $again"
}

# missing_packages: those of the packages that are wanted which are not there yet
missing_packages() {
	# shellcheck disable=SC2046
	case $wanted in python*) set -- $(python_packages) ;; *) set -- ;; esac
	case $wanted in *postfix) set -- "$@" postfix ;; esac
	for package; do
		is_installed "$package" || printf '%s ' "$package"
	done
}

# may_install: refuses unless the packages may be installed
may_install() {
	command="$(installing) ${missing% }"
	[ -z "$destdir" ] ||
		refuse "$lacking is not on this host, and --destdir installs no packages" "type: $command"
	[ -n "$deps" ] || refuse "$lacking is not on this host" "type: $command"
	[ -n "$is_root" ] || refuse "$lacking is not on this host" "type: sudo $command"
	[ -z "$yes" ] || return 0
	[ -t 0 ] || refuse "$lacking is not on this host, and standard input is not a terminal" \
		"give --yes, or type: $command"
	printf '%s is not on this host. To install it:\n  %s\nDo that now? [y/N] ' "$lacking" "$command"
	read -r answer || answer=''
	case $answer in
	[Yy] | [Yy][Ee][Ss]) ;;
	*) refuse "$lacking is not on this host, and was not installed" "type: $command" ;;
	esac
}

install_packages() {
	had_configuration=''
	[ ! -e /etc/postfix/main.cf ] || had_configuration=yes
	make_directories
	# Before, not after: whatever stops us, --uninstall shall know.
	for package in $missing; do record package "$package"; done
	if [ "$manager" = apt-get ]; then
		export DEBIAN_FRONTEND=noninteractive
		apt-get update --quiet || say 'apt-get update failed: trying with the lists that are here'
		case $missing in *postfix*) preseed ;; esac
	fi
	# shellcheck disable=SC2046,SC2086
	set -- $(installing_unasked) $missing
	"$@" 9<&- || fail "$manager could not install ${missing% }" "see what it says; then run: $again"
	case $missing in
	*postfix*) [ "$manager" = apt-get ] || [ -n "$had_configuration" ] || deliver_locally ;;
	esac
}

# A Postfix that nobody has configured yet must not take mail from outside. Debian's starts as soon
# as it is installed, so it is told before; the configuration of one that was here earlier stays.
preseed() {
	kind='Local only'
	[ -z "$had_configuration" ] || kind='No configuration'
	say "postfix postfix/main_mailer_type select $kind" | debconf-set-selections
}

deliver_locally() {
	PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin postconf -e inet_interfaces=loopback-only
}

# --- places ---

places() {
	lib=$prefix/lib/postwrap sbin=$prefix/sbin bin=$prefix/bin prefix_option='' sudo='sudo '
	[ -n "$is_root$destdir" ] || sudo=''
	[ "$prefix" = /usr/local ] || prefix_option=" --prefix=$(quoted "${prefix:-/}")"
	record=$destdir$lib/install.sh.record link=$destdir$sbin/postwrap
}

# nearest DIRECTORY: itself, or the nearest one above it that is there
nearest() {
	nearest=$1
	until [ -d "${nearest:-/}" ]; do nearest=${nearest%/*}; done
	say "${nearest:-/}"
}

need_write() {
	for place in "$destdir$lib" "$destdir$sbin" "$destdir$bin"; do
		place=$(nearest "$place")
		[ -w "$place" ] || refuse "$place: no permission to write" "type: sudo $again"
	done
}

is_ours() {
	case $(readlink "$link") in "$lib"/venv-*/bin/postwrap) ;; *) return 1 ;; esac
}

need_room() {
	for manifest in "$destdir$lib/manifest.json" "$destdir$lib"/packages/*.json; do
		package=$(sed -n 's/^ "package": "\(.*\)",*$/\1/p' "$manifest" 2>/dev/null) || package=''
		[ -z "$package" ] || refuse "$lib: the package $package has commands of the instances there" \
			"remove that package, or choose another --prefix"
	done
	# The file may be that of a package of postwrap that is here, or was removed and not purged.
	set -- "$(sed -n 's/^ *prefix *= *"\([^"]*\)".*/\1/p' /etc/postwrap.toml 2>/dev/null)"
	case $destdir$1 in
	'' | "$prefix") ;;
	"$1") [ -z "$is_root" ] ||
		refuse "/etc/postwrap.toml: says prefix = \"$1\", where the commands would go then" \
			"remove that line, and the package that it came with, or give --prefix=$(quoted "$1")" ;;
	esac
	if [ -e "$link" ] || [ -L "$link" ]; then
		is_ours || refuse "$link: exists and was not installed by install.sh" \
			'remove the package or file that it belongs to, or choose another --prefix'
	fi
}

# record KIND WHAT: keep a line for --uninstall, unless it is kept already. Nothing of a staging
# directory is kept: what is missing there may be there on the host that it is for.
record() {
	[ -z "$destdir" ] || return 0
	! grep -Fqx "$1 $2" "$record" 2>/dev/null || return 0
	{
		if [ -e "$record" ]; then
			cat "$record"
		else
			say '# Made or installed by install.sh; install.sh --uninstall reads it.'
		fi
		say "$1 $2"
	} >"$record.new"
	on_disk "$record.new"
	mv -f "$record.new" "$record"
	on_disk "${record%/*}"
}

# on_disk PATH...: these files, and which names are in these directories, outlive a power cut. A
# sync(1) that takes no names brings everything to the disk.
on_disk() {
	sync "$@" 2>/dev/null || sync
}

recorded() {
	[ ! -e "$record" ] || sed -n "s/^$1 //p" "$record"
}

# make_directories: ours, parents first, each recorded, and the lock that goes with them
make_directories() {
	made=$(missing_above "$lib" && missing_above "$sbin" && missing_above "$bin")
	mkdir -p "$destdir$lib" || fail "$destdir$lib: cannot be created" 'check the path'
	lock
	[ -z "$made" ] || printf '%s\n' "$made" | while IFS= read -r one; do record directory "$one"; done
	for place in "$destdir$sbin" "$destdir$bin"; do
		mkdir -p "$place" || fail "$place: cannot be created" 'check the path'
	done
}

# missing_above DIRECTORY: it and those above it that are not there, parents first
missing_above() {
	[ -n "$1" ] && [ ! -d "$destdir$1" ] || return 0
	missing_above "${1%/*}"
	say "$1"
}

# Two runs at once wait for one another; where flock(1) is missing they had better not be started.
lock() {
	[ -z "$locked" ] || return 0
	exec 9<"$destdir$lib"
	flock 9 2>/dev/null || :
	locked=yes
}

# hold_verbs: waits for a run of postwrap that is making, changing or removing an instance, and has
# the next one wait until let_verbs. Such a run installs commands on its way, and its postwrap must
# not be another one by then. Whoever has the lock removes its file at the end, so who has waited for
# a file that is gone starts over.
hold_verbs() {
	[ -n "$is_root" ] && [ -z "$destdir$held" ] && command -v flock >/dev/null || return 0
	until [ -n "$held" ]; do
		mkdir -p "$records"
		umask 077
		{ command exec 8>>"$records/lock"; } 2>/dev/null || [ ! -d "$records" ] ||
			fail "$records/lock: cannot be opened" "correct that, and run: $again"
		umask 022
		if ! flock -n 8 2>/dev/null; then
			say 'waiting for another run of postwrap to end'
			flock 8 2>/dev/null || continue
		fi
		# shellcheck disable=SC3013 # in every sh of a Linux system, and in POSIX since 2024
		[ ! "$records/lock" -ef "/proc/$$/fd/8" ] || held=yes
	done
}

let_verbs() {
	[ -n "$held" ] || return 0
	held=''
	rm -f "$records/lock"
	exec 8>&-
	rmdir "$records" 2>/dev/null || :
}

# --- the virtual environment ---

# choose_venv: venv, named by all that it is made from
choose_venv() {
	sum=$(
		cd "$here"
		{
			# shellcheck disable=SC2086
			find $SOURCES $vendored -type f ! -name '*.py[co]' -exec sha256sum {} + | LC_ALL=C sort
			say "$prefix"
			"$python" -I -c 'import sys; print(sys.executable, sys.version_info[:2])'
		} | sha256sum
	)
	venv=$lib/venv-$(printf '%.16s' "$sum")
}

# The last file of an environment that is whole
stamp() {
	say "$destdir$venv/complete"
}

# An upgrade of the system may have taken the interpreter away from under a whole one.
is_whole() {
	[ -e "$(stamp)" ] && postwrap --version >/dev/null 2>&1
}

make_venv() {
	unfinished=$destdir$venv
	rm -rf "$unfinished"
	say "installing postwrap into $venv"
	"$python" -I -m venv --without-pip "$unfinished" >"$work/log" 2>&1 ||
		{ cat "$work/log" >&2 && fail "$python -m venv failed" "correct it, and run: $again"; }
	fetch_modules
	fill_venv
	"$unfinished/bin/python" -I -B -c 'import postwrap.cli, jinja2, platformdirs' ||
		fail 'what was installed does not run' "bring the whole release or checkout here, and run: $again"
	say "in the checkout or release of postwrap: $sudo./install.sh$prefix_option" \
		>"$unfinished/bin/postwrap.remedy"
	"$unfinished/bin/python" -I -B -c 'import sys, postwrap.durable as d; d.sync_tree(sys.argv[1])' \
		"$unfinished" || fail "$unfinished: cannot be brought to the disk" "see what it says; then run: $again"
	: >"$(stamp)"
	on_disk "$(stamp)" "$unfinished" "$destdir$lib"
	unfinished=''
}

# fetch_modules: vendor, a directory with what postwrap runs on
fetch_modules() {
	vendor=$here/vendor
	[ -z "$vendored" ] || return 0
	vendor=$work/vendor
	"$here/packaging/vendor" "$vendor" "$python" || fail 'pip could not fetch what postwrap needs' \
		"see what it says (pip obeys PIP_INDEX_URL, PIP_PROXY, PIP_CERT, …); then run: $again"
}

# fill_venv: modules and launcher; byte-code and scripts shall not know the staging directory
fill_venv() {
	for modules in "$unfinished"/lib/python3*/site-packages; do
		cp -R "$vendor/." "$modules/"
		"$here/packaging/modules" "$modules"
		# What it was copied from may be read-only, or belong to somebody with another umask.
		chmod -R u+w,go-w,a+rX "$modules"
	done
	cp "$here/packaging/launcher" "$unfinished/bin/postwrap"
	chmod 755 "$unfinished/bin/postwrap"
	[ -z "$destdir" ] || unstage
	"$unfinished/bin/python" -I -m compileall -q -s "$destdir" -p / "$unfinished/lib" >/dev/null || :
}

unstage() {
	"$python" -I - "$destdir$prefix/" "$prefix/" "$unfinished" <<-'END'
		import sys
		from pathlib import Path
		staged, final, venv = sys.argv[1].encode(), sys.argv[2].encode(), Path(sys.argv[3])
		for path in (venv / "pyvenv.cfg", *(venv / "bin").iterdir()):
		    if path.is_file() and not path.is_symlink():
		        path.write_bytes(path.read_bytes().replace(staged, final))
	END
}

# is_current: whether the link leads to venv, and the commands are as they would be installed
is_current() {
	[ "$(readlink "$link")" = "$venv/bin/postwrap" ] && commands diff --quiet >/dev/null 2>&1
}

# switch: the link leads to venv from one moment to the next; then other environments are not used
# by anybody who begins after that
switch() {
	[ "$(readlink "$link")" != "$venv/bin/postwrap" ] || return 0
	rm -f "$link.new"
	ln -s "$venv/bin/postwrap" "$link.new"
	mv -f "$link.new" "$link"
	on_disk "${link%/*}"
}

# drop_others: the other environments go, but for those that somebody still uses
drop_others() {
	for other in "$destdir$lib"/venv-*; do
		[ "$other" != "$destdir$venv" ] && [ -d "$other" ] || continue
		drop "$other" || say "$other is in use; the next run of install.sh removes it"
	done
}

# link_for_users: ordinary users seldom have sbin in their PATH; where a name is taken, or sbin is
# bin, nothing is done
link_for_users() {
	[ ! "$destdir$bin" -ef "$destdir$sbin" ] || return 0
	[ -e "$destdir$bin/postwrap" ] || [ -L "$destdir$bin/postwrap" ] ||
		ln -s ../sbin/postwrap "$destdir$bin/postwrap"
}

unlink_for_users() {
	[ "$(readlink "$destdir$bin/postwrap")" != ../sbin/postwrap ] || rm -f "$destdir$bin/postwrap"
}
# drop ENVIRONMENT: removes it unless it is in use. Each run of postwrap has a lock on the environment
# that it runs from (launch.py); one of an older postwrap is known by its command line. A run that
# begins meanwhile waits for the lock, and then finds no stamp.
drop() (
	exec 7<"$1"
	! command -v flock >/dev/null || flock -n 7 || return 1
	say "$1/bin/python" >"$work/environment" # in a file: grep's own command line shall not match
	! grep -qsF -f "$work/environment" /proc/[0-9]*/cmdline || return 1
	rm -f "$1/complete"
	rm -rf "$1"
)

# postwrap VERB ARGUMENT...: run the one that is installed; of an older one too, which had another
# launcher
postwrap() {
	if [ -n "$modules" ]; then
		"$python" -I -B -c 'import sys
sys.path.insert(0, sys.argv.pop(1))
from postwrap.launch import main
main()' "$modules" "$@" 8<&- 9<&-
	else
		"$destdir$venv/bin/python" -I -B -m postwrap "$@" 8<&- 9<&-
	fi
}

# --- verbs ---

# commands VERB OPTION...: run postwrap for the place where its commands belong. Those of a host go
# to directories that are root's; an ordinary user who may write to PREFIX gets his own, in his home.
commands() {
	if [ -n "$destdir" ]; then
		postwrap "$@" --prefix="${prefix:-/}" --destdir="$destdir"
	elif [ -n "$is_root" ]; then
		postwrap "$@" --prefix="${prefix:-/}"
	else
		postwrap "$@" --user
	fi
}

put_in_place() {
	need_write
	need_room
	need_packages
	make_directories
	choose_venv
	is_whole || make_venv
	# Looking first, since even an installation that changes nothing takes locks.
	if ! is_current; then
		hold_verbs
		switch
		commands diff --quiet >/dev/null 2>&1 || commands install || status=$?
		let_verbs
	fi
	link_for_users
	[ "$status" -le 1 ] || stop "$status" 'postwrap is installed, but its commands are not' \
		"correct the error above, and run: $again"
	drop_others
}

# what_next [NAME]: a few lines on what is there and what to type; NAME was created just now
what_next() {
	say "$(postwrap --version) is installed: $link"
	[ -z "$destdir" ] || return 0
	commands list || :
	command=postwrap
	case :$caller_path: in
	*":$sbin:"* | *":$bin:"*) ;;
	*) command=$link && say "$bin is not in your PATH: add it, or type the path" ;;
	esac
	say 'Next:'
	say "  mailq-$(printf '%-13s' "${1-default}") list the queue of the instance ${1-default}"
	say "  $command queue      show what waits in all queues, and why"
	say "  $command check      find what is wrong with the instances"
	say "  $command --help     list the verbs"
	[ -z "${1-}" ] || say "To remove the instance again: ${sudo}$command remove $(quoted "$1")"
	say "To remove postwrap: $(quoted "$0") --uninstall$prefix_option"
}

# created NAME: whether the instance has its commands, which with --dry-run it has not
created() {
	[ -e "$bin/mailq-$1" ] || [ -e "$sbin/mailq-$1" ]
}

take_away() {
	need_write
	if [ ! -d "$destdir$lib" ]; then
		say "nothing to do: $destdir$lib does not exist"
		return
	fi
	lock
	hold_verbs
	remove_commands
	packages=$(recorded package)
	directories=$(recorded directory)
	! is_ours || rm -f "$link"
	unlink_for_users
	rm -rf "$destdir$lib"/venv-* "$link.new" "$record" "$record.new"
	remove_directories "$directories"
	let_verbs
	say "postwrap was removed from ${destdir}${prefix:-/}"
	tell_packages
}

# remove_commands: what "postwrap install" wrote; where the environment is broken, by the postwrap of
# this checkout
remove_commands() {
	if ! find_venv; then
		[ -e "$destdir$lib/manifest.json" ] || return 0
		find_python || refuse "$NEEDED_PYTHON is not on this host, and nothing removes the commands without" \
			'install that, and run the same command again'
		modules=$work/modules
		fetch_modules
		cp -R "$vendor" "$modules"
		"$here/packaging/modules" "$modules"
	fi
	commands uninstall || status=$?
	[ "$status" -le 1 ] || stop "$status" 'nothing else is removed' "correct it, and run: $again"
}

# find_venv: venv, an environment whose postwrap runs; without one that is at least complete, empty
find_venv() {
	venv=''
	for found in "$destdir$lib"/venv-*/complete; do
		[ -e "$found" ] || continue
		venv=${found#"$destdir"}
		venv=${venv%/complete}
		! is_whole || return 0
	done
	return 1
}

# remove_directories LINES: those that are empty by now, children first
remove_directories() {
	printf '%s\n' "$1" | LC_ALL=C sort -r | while IFS= read -r one; do
		[ -z "$one" ] || rmdir "$destdir$one" 2>/dev/null || :
	done
	[ -z "$destdir" ] || rmdir "$destdir$lib" 2>/dev/null || :
}

tell_packages() {
	[ -n "$packages" ] && find_manager || return 0
	left=''
	for package in $packages; do
		! is_installed "$package" || left="$left $package"
	done
	[ -n "$left" ] || return 0
	say "These packages were installed for postwrap and stay:$left"
	say "To remove them too: $(removing)$left"
}

# --- main ---

# undo: where no environment and no package came of it, the directories go again
# shellcheck disable=SC2329  # the trap below calls it
undo() {
	for found in "$destdir$lib"/venv-*; do [ ! -d "$found" ] || return 0; done
	if find_manager; then
		for package in $(recorded package); do ! is_installed "$package" || return 0; done
	fi
	directories=$(recorded directory)
	rm -f "$record"
	remove_directories "$directories"
}

# shellcheck disable=SC2329  # the trap below calls it
clean_up() {
	code=$?
	let_verbs
	[ -z "$unfinished" ] || rm -rf "$unfinished"
	[ -z "$work" ] || rm -rf "$work"
	[ "$code" -lt 3 ] || [ -z "$locked" ] || undo
	[ -n "$meant" ] || fail 'stopped by the error above' "correct it, and run: $again"
}

trap clean_up EXIT
trap 'fail interrupted "run the same command again: it finishes what was begun"' INT TERM HUP
parse "$@"
shift "$taken"
here=$(cd "$(dirname "$0")" && pwd -P)
for source in $SOURCES; do
	[ -e "$here/$source" ] ||
		refuse "$here/$source: is missing" 'run the install.sh of a whole checkout'
done
vendored='' ensurepip=', ensurepip' NEEDED_PYTHON='Python 3.11 or newer with venv'
if [ -d "$here/vendor" ]; then vendored=vendor ensurepip='' NEEDED_PYTHON='Python 3.11 or newer'; fi
places
work=$(mktemp -d)
case $verb$create in
install)
	put_in_place
	what_next
	;;
installyes)
	put_in_place
	postwrap create "$@" ${yes:+--yes} || status=$?
	[ "$status" -gt 1 ] || ! created "$1" || what_next "$1"
	;;
uninstall) take_away ;;
esac
leave "$status"
