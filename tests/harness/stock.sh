#!/bin/sh
# stock.sh: sh -s <stock.sh, inside a private host
#
# Makes the host what a fresh Debian is that was told "Internet Site" and mail.example.com, whatever
# the machine under it looks like: no other instance, no wrapper, no mail, two ordinary users.
set -eu
if [ ! -e /run/private-host ]; then
	echo 'stock.sh removes mail and logs: only in a private host' >&2
	exit 1
fi

# -- what the machine may have that a fresh host has not
rm -rf /etc/postfix-* /etc/postfix.* /etc/postfix[0-9]* /etc/postwrap* /etc/mailname /etc/cron.d/*
rm -rf /usr/local/sbin /usr/local/lib/postwrap /usr/local/lib/systemd /usr/local/share/man /usr/local/man
rm -rf /usr/local/share/bash-completion /usr/local/share/zsh /usr/local/share/fish
rm -rf /var/lib/postwrap /var/spool/postfix* /var/lib/postfix* /var/mail/* /var/log/*
rm -f /usr/local/bin/post[a-z]*[-.0-9]* /usr/local/bin/qshape* /usr/local/bin/sendmail* \
	/usr/local/bin/mailq* /usr/local/bin/newaliases*
mkdir -p /usr/local/sbin /usr/local/share/man /var/mail /var/log /home
chgrp mail /var/mail
chmod 2775 /var/mail

# -- who is here
for file in passwd shadow group gshadow; do
	[ ! -f "/etc/$file" ] || sed -i -e '/^alice:/d' -e '/^app:/d' "/etc/$file"
done
echo 'alice:x:40001:40001:Alice,,,:/home/alice:/bin/bash' >>/etc/passwd
echo 'app:x:40002:40002:an application:/var/lib/app:/bin/sh' >>/etc/passwd
printf '%s\n' 'alice:x:40001:' 'app:x:40002:' >>/etc/group
printf '%s:*:19000:0:99999:7:::\n' alice app >>/etc/shadow
mkdir -p /home/alice /var/lib/app
chown alice:alice /home/alice
chown app:app /var/lib/app

# -- its name
hostname mail
echo mail >/etc/hostname
cat >/etc/hosts <<'HOSTS'
127.0.0.1	localhost
::1		localhost
88.198.105.204	mail.example.com mail
10.0.0.1	out.example.com out
HOSTS

# -- Postfix as Debian's package sets it up
command -v postconf >/dev/null || exit 0
# A directory of the overlay's lower layer cannot be renamed, so this one is made anew.
old=/etc/postfix.machine
mv /etc/postfix $old
mkdir /etc/postfix
for kept in postfix-files postfix-files.d post-install postfix-script sasl dynamicmaps.cf.d; do
	[ ! -e $old/$kept ] || cp -a $old/$kept /etc/postfix/
done
rm -rf $old
share=/usr/share/postfix
printf '# dict-type\tso-name (pathname)\tdict-function\tmkmap-function\n' >/etc/postfix/dynamicmaps.cf
cp $share/master.cf.dist /etc/postfix/master.cf
cp $share/master.cf.dist /etc/postfix/master.cf.proto
cp $share/main.cf.debian /etc/postfix/main.cf
cp $share/main.cf.debian /etc/postfix/main.cf.proto
# Debian 12 links this one, Debian 13 no longer does.
[ -x /etc/postfix/postfix-script ] && ln -s $share/makedefs.out /etc/postfix/makedefs.out
chmod 644 /etc/postfix/*.cf /etc/postfix/*.proto

mkdir -p /var/lib/postfix /var/spool/postfix
chown postfix:postfix /var/lib/postfix
chmod 700 /var/lib/postfix
# What `postfix check` would make, without the second that it takes.
(
	cd /var/spool/postfix
	mkdir -m 700 active bounce corrupt defer deferred flush hold incoming private saved trace
	mkdir -m 730 maildrop
	mkdir -m 710 public
	chown postfix ./*
	chgrp postdrop maildrop public
	mkdir -m 755 pid
)
printf 'postmaster: root\nroot: alice\n' >/etc/aliases
rm -f /etc/aliases.db

# shellcheck disable=SC2016 # $myhostname is Postfix's
postconf -e \
	'smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination' \
	'myhostname = mail.example.com' \
	'mydestination = $myhostname, example.com, localhost.localdomain, localhost' \
	'alias_maps = hash:/etc/aliases' 'alias_database = hash:/etc/aliases' \
	'relayhost =' 'mynetworks = 127.0.0.0/8' 'mailbox_size_limit = 0' 'recipient_delimiter = +' \
	'inet_interfaces = 88.198.105.204, 127.0.0.1' 'inet_protocols = ipv4' \
	'maillog_file = /var/log/maillog'
# Postfix's programs wait until a main.cf is two seconds old before they trust it to be whole.
touch -d '-10 seconds' /etc/postfix/main.cf
newaliases
