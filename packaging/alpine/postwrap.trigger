#!/bin/sh
# Postfix was upgraded, or a package brought an instance or took one away. apk names the directories
# that changed; a run for nothing changes nothing.
/usr/sbin/postwrap install --prefix=/usr --keep >/dev/null || :
