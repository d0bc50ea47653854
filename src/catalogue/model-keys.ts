// Variables that hold the key of a model provider, for agents that work with any of them.

export const modelKeys: readonly string[] = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'OPENAI_API_KEY',
  'AZURE_OPENAI_API_KEY',
  'GEMINI_API_KEY',
  'OPENROUTER_API_KEY',
  'DEEPSEEK_API_KEY',
  'GROQ_API_KEY',
  'CEREBRAS_API_KEY',
  'XAI_API_KEY',
  'MISTRAL_API_KEY',
  'MOONSHOT_API_KEY',
  'ZAI_API_KEY',
  'MINIMAX_API_KEY',
  'FIREWORKS_API_KEY',
  'TOGETHER_API_KEY',
]
