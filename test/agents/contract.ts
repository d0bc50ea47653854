// What Offstage promises for every agent, played with the real one: from the command line, with a model that says what the script says.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RequestView, SessionView } from '../../src/core/view.ts'
import { settle } from '../home.ts'
import { programsOf } from './installed.ts'
import { type Place, type Setup, openPlace } from './place.ts'

const file = 'greeting.txt'
const content = 'Hello from the model.\n'

export function agentContract(setup: Setup, title = setup.name): void {
  const writesTheFile = (project: string) => [setup.writes(join(project, file), content), { say: 'The greeting is written.' }]

  describe.skipIf(programsOf(setup.name) === undefined)(title, () => {
    if (setup.asksNothing) {
      test('works in the background, and completes', async () => {
        await using place = await openPlace(setup, writesTheFile)
        const id = await place.start(`Write ${file}`)
        await completesWithTheFile(place, id)
        expect(place.outside()).toEqual([])
      })

      test('a daemon that is killed while it works loses nothing', async () => {
        await using place = await openPlace(setup, (project) => [{ hang: 'Let me think' }, ...writesTheFile(project)])
        const id = await place.start('Think.')
        await place.asked(1)
        await place.home.killDaemon()
        place.model.release()
        await place.reaches(id, ['completed'])
        await place.offstage(['send', id, `Write ${file}`])
        await place.asked(2)
        await completesWithTheFile(place, id, 3)
        expect(place.outside()).toEqual([])
      })
    } else {
      test('works in the background, asks, is answered from the command line, and completes', async () => {
        await using place = await openPlace(setup, writesTheFile)
        const id = await place.start(`Write ${file}`)
        await asksForTheFile(place, id)
        expect(existsSync(join(place.home.project, file))).toBe(false)
        await place.offstage(['answer', id, 'allow'])
        await completesWithTheFile(place, id)
        expect(await place.offstage(['logs', id])).toContain('The greeting is written.')
        expect(place.outside()).toEqual([])
      })

      test('a daemon that is killed while it asks, and again, loses nothing', async () => {
        await using place = await openPlace(setup, writesTheFile)
        const id = await place.start(`Write ${file}`)
        const asked = await asksForTheFile(place, id)
        await place.home.killDaemon()
        expect(await asksForTheFile(place, id)).toEqual(asked)
        await place.home.killDaemon()
        await place.offstage(['answer', id, 'allow'])
        await completesWithTheFile(place, id)
        expect(place.outside()).toEqual([])
      })
    }

    const kills = {
      'its process': async ({ home }: Place, { run }: SessionView) => {
        if (!run?.pid) throw new Error(`there is no process to kill below ${home.folder}`)
        process.kill(run.pid, 'SIGKILL')
      },
      'everything at once, as by a reboot': async ({ home }: Place) => {
        for (const { pid } of home.processes()) process.kill(pid, 'SIGKILL')
        await settle(
          () => home.processes(),
          (processes) => processes.length === 0,
        )
      },
    }
    test.each(Object.entries(kills))('killed in mid-turn (%s) and resumed it goes on where it was, as it was, and hears no prompt twice', async (_, kill) => {
      await using place = await openPlace(setup, () => [{ say: 'I shall remember the heron.' }, { hang: 'Let me count' }, { say: 'It was the heron.' }])
      const id = await place.start('Remember the word heron.')
      const { mode } = await place.reaches(id, ['completed'])
      await place.offstage(['send', id, 'Now count the feathers.'])
      await place.asked(2)
      await kill(place, await place.session(id))
      await place.reaches(id, ['failed'])
      await place.offstage(['resume', id])
      await place.offstage(['send', id, 'Which word was it?'])
      await place.asked(3)
      expect(await place.reaches(id, ['completed'])).toMatchObject({ mode, outcome: { kind: 'done' } })
      const calls = place.talk()
      expect(calls).toHaveLength(3)
      const times = (text: string): number => JSON.stringify(calls[2]?.body).split(text).length - 1
      expect(['Remember the word heron.', 'I shall remember the heron.', 'Which word was it?'].map(times)).toEqual([1, 1, 1])
      // What it makes of a turn that was cut is the agent's own: that the user said it, once, or nothing.
      expect(times('Now count the feathers.')).toBeLessThanOrEqual(1)
      expect(place.outside()).toEqual([])
    })

    test('stopped in mid-turn it leaves no process', async () => {
      await using place = await openPlace(setup, () => [{ hang: 'Let me think' }])
      const id = await place.start('Think.')
      await place.asked(1)
      await place.offstage(['stop', id])
      expect(await place.session(id)).toMatchObject({ status: 'stopped', run: { alive: false } })
      const left = await settle(
        () => place.home.processes().filter(({ command }) => !command.includes('daemon/main')),
        (processes) => processes.length === 0,
      )
      expect(left).toEqual([])
      expect(place.outside()).toEqual([])
    })
  })
}

/** The one open request, which names the file. */
async function asksForTheFile(place: Place, id: string): Promise<RequestView> {
  const { requests } = await place.reaches(id, ['waiting'])
  expect(requests).toMatchObject([{ kind: 'permission' }])
  const [request] = requests
  if (!request) throw new Error('it asks nothing')
  expect(`${request.title}\n${request.detail}`).toContain(file)
  return request
}

async function completesWithTheFile(place: Place, id: string, calls = 2): Promise<void> {
  expect(await place.reaches(id, ['completed'])).toMatchObject({ outcome: { kind: 'done' }, requests: [] })
  expect(readFileSync(join(place.home.project, file), 'utf8')).toBe(content)
  expect(place.talk()).toHaveLength(calls)
}
