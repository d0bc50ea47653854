// The name under which a refused answer of a provider is noted in a message of pi: written by noted-streams.ts, read by failure.ts.

export const refusedResponse = 'offstage-refused-response'
