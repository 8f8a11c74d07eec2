#!/bin/sh
# install.sh: put postwrap on this host, or take it away again
#
#   sudo ./install.sh                  (--help tells the options)
#
# Makes a virtual environment from this checkout, PREFIX/lib/postwrap/venv-CHECKSUM, links
# PREFIX/sbin/postwrap to it and runs "postwrap install". The link is what counts: it is moved in one
# step from the old, whole environment to the new, whole one, so an interrupted run leaves a postwrap
# that works, and the same command again finishes the job. Where nothing has changed, nothing is
# written.
#
# Exit: 0 done, 1 done but for an instance that was skipped or a file that was kept, 2 usage,
# 3 refused, nothing changed, 4 failed (packages that were installed by then stay).
set -eu
umask 022
# Python would leave byte-code all over the host, and what the caller's Python needs is not ours.
export PYTHONDONTWRITEBYTECODE=1
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER CDPATH

NEEDED_PYTHON="Python 3.11 or newer with venv"
SOURCES="pyproject.toml README.md LICENSE generator wrappers completions man units packaging"

prefix=/usr/local destdir='' yes='' deps=yes verb=install create='' work='' unfinished=''
status=0 taken=0 again='' meant='' locked=''

usage() {
	cat <<-'END'
		Usage: ./install.sh [OPTION]... [--create NAME [OPTION OF postwrap create]...]

		Put postwrap on this host, with commands for every Postfix instance that it has. An ordinary
		user who may write to PREFIX gets commands of his own, under ~/.local.

		  --prefix DIR    install under DIR instead of /usr/local
		  --destdir DIR   stage everything in DIR, for a package; installs no other packages
		  -y, --yes       install missing packages (Python, Postfix) without asking
		  --no-deps       install no packages; print the command to type, and stop
		  --uninstall     take postwrap and all that it made away again; packages stay
		  --create NAME … then make a second instance: the rest goes to "postwrap create NAME …"
		  -h, --help      print this

		PYTHON=/path/to/python3 chooses the interpreter; pip obeys its own settings (PIP_INDEX_URL, …).
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
	stop 2 "$1" './install.sh --help shows the options'
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
			[ $# -gt 1 ] || misuse '--create needs the name of the instance to make'
			create=yes
			break
			;;
		*) misuse "$1: no such option" ;;
		esac
		shift
	done
	[ -z "$create" ] || [ -z "$destdir" ] ||
		misuse '--create makes an instance on this host, not in a --destdir'
	[ -z "$create" ] || [ "$verb" = install ] || misuse '--create and --uninstall do not go together'
}

# --- the host ---

# find_python: python, the first interpreter that will do; the system's own before any other, since
# an interpreter in somebody's home directory is no good to other users
find_python() {
	python=''
	if [ -n "${PYTHON-}" ]; then
		serves "$PYTHON" || refuse "PYTHON=$PYTHON: is no $NEEDED_PYTHON" 'name another, or none'
		python=$PYTHON
		return
	fi
	for candidate in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do
		candidate=$(PATH=/usr/bin:/bin:/usr/local/bin:$PATH command -v "$candidate") || continue
		if serves "$candidate"; then
			python=$candidate
			return
		fi
	done
	return 1
}

# serves PYTHON: Debian's venv cannot do its work before python3-venv has brought ensurepip
serves() {
	"$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
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
	! /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info >= (3, 11))' 2>/dev/null || old=yes
	case $manager$old in
	apt-get) say python3 python3-venv ;;
	apt-getyes) say python3.11 python3.11-venv ;;
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
	[ -n "$missing" ] || refuse "$lacking is not to be found, though its packages are installed" \
		'see what is wrong with them, or name an interpreter with PYTHON=…'
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
	[ "$(id -u)" = 0 ] || refuse "$lacking is not on this host" "type: sudo $command"
	[ -z "$yes" ] || return 0
	[ -t 0 ] || refuse "$lacking is not on this host, and nobody is there to be asked" \
		"give --yes, or type: $command"
	printf '%s is not on this host. To install it:\n  %s\nDo that now? [y/N] ' "$lacking" "$command"
	read -r answer || answer=''
	case $answer in
	[Yy] | [Yy][Ee][Ss]) ;;
	*) refuse "$lacking is not on this host, and you said no" "type: $command" ;;
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
	lib=$prefix/lib/postwrap sbin=$prefix/sbin prefix_option=''
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
	for place in "$destdir$lib" "$destdir$sbin"; do
		place=$(nearest "$place")
		[ -w "$place" ] || refuse "$place: you may not write there" "type: sudo $again"
	done
}

is_ours() {
	case $(readlink "$link") in "$lib"/venv-*/bin/postwrap) ;; *) return 1 ;; esac
}

need_room() {
	if [ -e "$link" ] || [ -L "$link" ]; then
		is_ours || refuse "$link: is there, and install.sh did not make it" \
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
	mv -f "$record.new" "$record"
}

recorded() {
	[ ! -e "$record" ] || sed -n "s/^$1 //p" "$record"
}

# make_directories: ours, parents first, each recorded, and the lock that goes with them
make_directories() {
	made=$(missing_above "$lib" && missing_above "$sbin")
	mkdir -p "$destdir$lib" || fail "$destdir$lib: cannot be made" 'see the path'
	lock
	[ -z "$made" ] || printf '%s\n' "$made" | while IFS= read -r one; do record directory "$one"; done
	mkdir -p "$destdir$sbin" || fail "$destdir$sbin: cannot be made" 'see the path'
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

# --- the virtual environment ---

# choose_venv: venv, named by all that it is made from
choose_venv() {
	sum=$(
		cd "$here"
		{
			# shellcheck disable=SC2086
			find $SOURCES -type f ! -name '*.py[co]' -exec sha256sum {} + | LC_ALL=C sort
			say "$prefix"
			"$python" -c 'import sys; print(sys.executable, sys.version_info[:2])'
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
	"$python" -m venv "$unfinished" >"$work/log" 2>&1 ||
		{ cat "$work/log" >&2 && fail "$python -m venv failed" "mend that, and run: $again"; }
	copy_sources
	# No cache: it would stay behind in the home directory of root, or belong to root in the user's.
	"$unfinished/bin/python" -m pip install --quiet --no-user --no-input --no-cache-dir \
		--no-compile --disable-pip-version-check "$work/source" ||
		fail 'pip could not install postwrap' \
			"see what it says (pip obeys PIP_INDEX_URL, PIP_PROXY, PIP_CERT, …); then run: $again"
	trim_venv
	sync
	: >"$(stamp)"
	unfinished=''
}

# copy_sources: the checkout may be read-only or somebody else's, and builds leave traces
copy_sources() {
	mkdir "$work/source"
	for source in $SOURCES; do cp -R "$here/$source" "$work/source/"; done
	chmod -R u+w "$work/source"
}

# trim_venv: pip has done its work; byte-code and scripts shall not know the staging directory
trim_venv() {
	"$unfinished/bin/python" -m pip uninstall --quiet --yes pip setuptools 2>/dev/null || :
	[ -z "$destdir" ] || unstage
	"$unfinished/bin/python" -m compileall -q -s "$destdir" -p / "$unfinished/lib" >/dev/null || :
}

unstage() {
	"$python" - "$destdir$prefix/" "$prefix/" "$unfinished" <<-'END'
		import sys
		from pathlib import Path
		staged, final, venv = sys.argv[1].encode(), sys.argv[2].encode(), Path(sys.argv[3])
		for path in (venv / "pyvenv.cfg", *(venv / "bin").iterdir()):
		    if path.is_file() and not path.is_symlink():
		        path.write_bytes(path.read_bytes().replace(staged, final))
	END
}

# switch: the link leads to venv from one moment to the next; then other environments are not used
switch() {
	if [ "$(readlink "$link")" != "$venv/bin/postwrap" ]; then
		rm -f "$link.new"
		ln -s "$venv/bin/postwrap" "$link.new"
		mv -f "$link.new" "$link"
	fi
	for other in "$destdir$lib"/venv-*; do
		[ "$other" = "$destdir$venv" ] || [ ! -d "$other" ] || rm -rf "$other"
	done
}

# postwrap VERB ARGUMENT...: run the one that was just installed, which in a staging directory does
# not lie where its first line says
postwrap() {
	"$destdir$venv/bin/python" -I -B "$destdir$venv/bin/postwrap" "$@" 9<&-
}

# --- verbs ---

# commands VERB OPTION...: run postwrap for the place where its commands belong. Those of a host go
# to directories that are root's; an ordinary user who may write to PREFIX gets his own, in his home.
commands() {
	if [ -n "$destdir" ]; then
		postwrap "$@" --prefix="${prefix:-/}" --destdir="$destdir"
	elif [ "$(id -u)" = 0 ]; then
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
	switch
	# Looking first, since even an installation that changes nothing takes a lock.
	commands diff --quiet >/dev/null 2>&1 || commands install || status=$?
	[ "$status" -le 1 ] || stop "$status" 'postwrap itself is in place, its commands are not' \
		"mend what it says, and run: $again"
}

# what_next: a few lines on what is there and what to type
what_next() {
	say "$(postwrap --version) is in place: $link"
	[ -z "$destdir" ] || return 0
	commands list
	command=postwrap
	case :$PATH: in
	*":$sbin:"*) ;;
	*) command=$link && say "$sbin is not in your PATH: add it, or spell it out" ;;
	esac
	say 'Type next:'
	say '  mailq-default       the queue of the default instance; the others likewise'
	say "  $command list       the instances and their commands"
	say "  $command --help     what else there is"
	say "To take it all away again: $(quoted "$0") --uninstall$prefix_option"
}

take_away() {
	need_write
	if [ ! -d "$destdir$lib" ]; then
		say "nothing to do: there is no $destdir$lib"
		return
	fi
	lock
	remove_commands
	packages=$(recorded package)
	directories=$(recorded directory)
	! is_ours || rm -f "$link"
	rm -rf "$destdir$lib"/venv-* "$link.new" "$record" "$record.new"
	remove_directories "$directories"
	say "postwrap is gone from ${destdir}${prefix:-/}"
	tell_packages
}

# remove_commands: what "postwrap install" wrote; without postwrap only if it wrote nothing
remove_commands() {
	if find_venv; then
		commands uninstall || status=$?
		[ "$status" -le 1 ] || stop "$status" 'nothing else is removed' "mend that, and run: $again"
	elif [ -n "$venv" ] || [ -e "$destdir$lib/manifest.json" ]; then
		refuse "$destdir$lib: no postwrap is there that runs, to take its commands away" \
			'run install.sh without --uninstall, which mends it; then this again'
	fi
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
	[ -z "$unfinished" ] || rm -rf "$unfinished"
	[ -z "$work" ] || rm -rf "$work"
	[ "$code" -lt 3 ] || [ -z "$locked" ] || undo
	[ -n "$meant" ] || fail 'stopped on the way by what is said above' "mend that, and run: $again"
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
places
work=$(mktemp -d)
case $verb$create in
install)
	put_in_place
	what_next
	;;
installyes)
	put_in_place
	postwrap create "$@" || status=$?
	;;
uninstall) take_away ;;
esac
leave "$status"
