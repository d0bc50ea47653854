// What Offstage promises for an agent in its own terminal screen, played with the real one: what it asks is known without anybody looking at it, and can be answered from elsewhere.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../home.ts'
import { programsOf } from './installed.ts'
import { type Setup, openPlace } from './place.ts'

const file = 'greeting.txt'
const content = 'Hello from the model.\n'

/** `source`: by what it says so first. */
export function terminalContract(setup: Setup, source = 'OSC 7501'): void {
  describe.skipIf(programsOf(setup.name) === undefined)(`${setup.name} in its terminal`, () => {
    test('says by itself that it waits for a permission, is answered from the command line, and goes on', async () => {
      await using place = await openPlace(setup, (project) => [setup.writes(join(project, file), content), { say: 'The greeting is written.' }])
      const id = await place.start(`Write ${file}`, ['--terminal'])
      const client = await place.home.client()
      const { status, signals, requests } = await until(client, id, (view) => view.requests.length > 0)
      expect({ status, requests }).toMatchObject({ status: 'waiting', requests: [{ kind: 'permission', title: expect.stringContaining(file) }] })
      expect(signals).toContainEqual(expect.objectContaining({ source, value: expect.stringMatching(/^blocked/) }))
      expect(existsSync(join(place.home.project, file))).toBe(false)
      await place.offstage(['answer', id, 'allow'])
      await place.asked(2)
      expect(readFileSync(join(place.home.project, file), 'utf8')).toBe(content)
      await until(client, id, (view) => view.requests.length === 0 && view.signals.some((signal) => signal.source === source && /^(idle|done)/.test(signal.value)))
      expect(place.outside()).toEqual([])
    })
  })
}
