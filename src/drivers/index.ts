// Every driver by its name, loaded when the first session needs it.

import type { DriverName } from '../core/events.ts'
import type { Driver } from './driver.ts'

export const drivers: Readonly<Record<DriverName, () => Promise<Driver>>> = {
  acp: async () => (await import('./acp/index.ts')).acpDriver,
  terminal: async () => (await import('./terminal.ts')).terminalDriver,
  command: async () => (await import('./command.ts')).commandDriver,
}
