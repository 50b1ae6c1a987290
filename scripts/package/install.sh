#!/bin/sh
# Install step of @COMPONENT@: checks what it needs of this machine. Changes nothing, downloads nothing.
# Arguments: for the monitor sensor.kind and sensor.i2c.device of its configuration, for the handler none.
set -eu
sensor_kind=${1:-none}
i2c_device=${2:-/dev/i2c-1}
user=$(id -un)

refuse() {
  echo "@COMPONENT@ cannot run here: $1" >&2
  exit 1
}

# at_least LEAST FOUND, for versions
at_least() {
  [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

command -v node >/dev/null ||
  refuse "Node.js is not on the PATH of user $user ($PATH). Install it for all users: sudo apt-get install nodejs; then sudo systemctl restart greengrass."
node=$(command -v node)

# One start of Node.js, since that takes a second on a small Pi. What this asks is older than what is asked for.
facts=$(node -p '[process.versions.node, process.arch, process.report ? process.report.getReport().header.glibcVersionRuntime || "none" : "unknown"].join(" ")') ||
  refuse "$node does not start. Install Node.js @NODE_LEAST@ or newer."
read -r version architecture glibc <<EOT
$facts
EOT

at_least @NODE_LEAST@ "$version" ||
  refuse "$node is Node.js $version, and @NODE_LEAST@ or newer is needed. Raspberry Pi OS on Debian 13 has it; on an older one install it from nodejs.org for all users, then sudo systemctl restart greengrass."

[ "$architecture" != arm ] ||
  refuse "$node is a 32-bit program, and there is no 32-bit Arm build. Install 64-bit Raspberry Pi OS on this device, and Greengrass again."
[ "$architecture" = @NODE_ARCH@ ] ||
  refuse "$node is for $architecture, this package for @NODE_ARCH@. Install the Node.js of this machine's architecture."

{ [ "$glibc" != none ] && at_least @GLIBC_LEAST@ "$glibc"; } ||
  refuse "it needs glibc @GLIBC_LEAST@ or newer, found $glibc. Update the operating system: Debian 12 and Raspberry Pi OS on it have 2.36."

case $sensor_kind in
auto | i2c | node-sense-hat)
  if [ -e "$i2c_device" ] && ! { [ -r "$i2c_device" ] && [ -w "$i2c_device" ]; }; then
    refuse "user $user may not use the sensor's bus $i2c_device. Run sudo usermod -aG i2c $user, then sudo systemctl restart greengrass."
  fi
  for group in video input; do
    case " $(id -nG) " in
    *" $group "*) ;;
    *) echo "Note: user $user is not in the group $group, which the Sense HAT's LED matrix or joystick needs; the sensors work without (sudo usermod -aG $group $user)." ;;
    esac
  done
  ;;
esac

echo "@COMPONENT@ can run here: Node.js $version ($architecture), glibc $glibc, user $user."
