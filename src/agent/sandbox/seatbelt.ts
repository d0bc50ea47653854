// The bounds as a profile of macOS' sandbox-exec: nothing is allowed but what is named, and of two rules the later one counts. Written by its documentation and by profiles that others use; not run by our tests.

import { type Bounds, byDepth } from './bounds.ts'

// What programs ask the system for that cannot act for them outside. Absent on purpose: launchd's jobs, Apple events, Launch Services' opening, the pasteboard, the keychain.
const services = [
  'com.apple.bsd.dirhelper',
  'com.apple.distributed_notifications@Uv3',
  'com.apple.FontObjectsServer',
  'com.apple.fonts',
  'com.apple.logd',
  'com.apple.lsd.mapdb',
  'com.apple.PowerManagement.control',
  'com.apple.system.logger',
  'com.apple.system.notification_center',
  'com.apple.system.opendirectoryd.libinfo',
  'com.apple.system.opendirectoryd.membership',
]
/** Who answers names, and whether certificates are trusted. */
const networkServices = ['com.apple.dnssd.service', 'com.apple.networkd', 'com.apple.SystemConfiguration.configd', 'com.apple.trustd', 'com.apple.trustd.agent']

export function seatbeltProfile(bounds: Bounds, temporary: string, network: boolean): string {
  const rule =
    (effect: 'allow' | 'deny', operations: string) =>
    (path: string): { readonly path: string; readonly as: string } => ({ path, as: `(${effect} ${operations} (subpath ${quoted(path)}))` })
  const rules = byDepth([
    ...[...bounds.hiddenFolders, ...bounds.hiddenFiles].map(rule('deny', 'file-read* file-write*')),
    ...[...bounds.fixed, ...bounds.absent, ...(bounds.redirect === null ? [] : [bounds.redirect])].map(rule('deny', 'file-write*')),
    ...[...bounds.writable, temporary].map(rule('allow', 'file-read* file-write*')),
  ])
  const names = [...services, ...(network ? networkServices : [])].map((name) => `(global-name ${quoted(name)})`)
  return [
    '(version 1)',
    '(deny default)',
    '(allow process-exec process-fork)',
    '(allow process-info* signal (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow user-preference-read)',
    '(allow ipc-posix-shm ipc-posix-sem)',
    `(allow mach-lookup ${names.join(' ')})`,
    '(allow file-read*)',
    '(allow file-ioctl file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/dtracehelper"))',
    '(allow pseudo-tty)',
    ...rules.map(({ as }) => as),
    // A folder that is renamed would take what is fixed in it along, and leave its place free.
    `(deny file-write-unlink ${bounds.writable.map((path) => `(literal ${quoted(path)})`).join(' ')})`,
    ...(network ? networkRules : []),
  ].join('\n')
}

const networkRules = [
  '(allow system-socket)',
  '(allow network-bind network-inbound (local ip))',
  '(allow network-outbound (remote ip))',
  '(allow network-outbound (literal "/private/var/run/mDNSResponder"))',
]

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, (one) => `\\${one}`)}"`
