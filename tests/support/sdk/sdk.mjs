// SPDX-License-Identifier: MPL-2.0
// What a provider's official SDK makes of the simulator: node sdk.mjs PROVIDER SCENARIO PORT [FAULT] prints it as JSON.
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

const [provider, scenario, port, fault] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const headers = fault ? { "x-sim-fault": fault } : {};
const words = "a note app [[sim fault=status429 count=1 retry_ms=50]]";
const prompt = scenario === "retry" ? `${words} ${process.pid}` : "Tell me of a note app, žluťoučký kůň 🐎.";
const schema = {
  type: "object", title: "requirements", additionalProperties: false, required: ["app_name", "elevator_pitch"],
  properties: { app_name: { type: "string" }, elevator_pitch: { type: "string" } },
};

/* What every SDK is asked, in its own words; each answers {text, chunks, finish, model, input, output}. */

const openai = () => {
  const client = new OpenAI({ apiKey: "sk-x", baseURL: `${origin}/v1`, maxRetries: scenario === "retry" ? 2 : 0, defaultHeaders: headers });
  const body = { model: "gpt-4o", messages: [{ role: "system", content: "Be brief." }, { role: "user", content: prompt }] };
  const shown = (answer, chunks) => ({
    text: answer.choices[0].message.content, refusal: answer.choices[0].message.refusal, chunks, finish: answer.choices[0].finish_reason,
    model: answer.model, input: answer.usage.prompt_tokens, output: answer.usage.completion_tokens,
  });
  return {
    whole: async () => shown(await client.chat.completions.create(body)),
    structured: async () => shown(await client.chat.completions.parse({
      ...body, response_format: { type: "json_schema", json_schema: { name: "requirements", strict: true, schema } } })),
    stream: async () => {
      const stream = client.chat.completions.stream({ ...body, stream_options: { include_usage: true } });
      let chunks = 0;
      for await (const chunk of stream) chunks += chunk.choices.length > 0 && Boolean(chunk.choices[0].delta.content);
      return shown(await stream.finalChatCompletion(), chunks);
    },
    embed: async () => {
      const asked = { model: "text-embedding-3-small", input: ["a note app with tags", "a note app with coloured tags", "chess"], dimensions: 1536 };
      const packed = await client.embeddings.create(asked);
      const plain = await client.embeddings.create({ ...asked, encoding_format: "float" });
      return { packed: packed.data.map((row) => row.embedding), plain: plain.data.map((row) => row.embedding) };
    },
    models: async () => { const names = []; for await (const model of client.models.list()) names.push(model.id); return names; },
  };
};

const anthropic = () => {
  const client = new Anthropic({ apiKey: "sk-ant", baseURL: origin, maxRetries: scenario === "retry" ? 2 : 0, defaultHeaders: headers });
  const body = { model: "claude-3-5-sonnet", max_tokens: 1000, system: "Be brief.", messages: [{ role: "user", content: prompt }] };
  const shown = (answer, chunks) => ({
    text: answer.content.map((block) => block.text).join(""), chunks, finish: answer.stop_reason, model: answer.model,
    input: answer.usage.input_tokens, output: answer.usage.output_tokens,
  });
  return {
    whole: async () => shown(await client.messages.create(body)),
    structured: async () => shown(await client.messages.create({ ...body, output_config: { format: { type: "json_schema", schema } } })),
    stream: async () => {
      let chunks = 0;
      const stream = client.messages.stream(body);
      stream.on("text", () => { chunks += 1; });
      return shown(await stream.finalMessage(), chunks);
    },
    sampling: async () => shown(await client.messages.create({ ...body, temperature: 0.5 })),
    oldVersion: async () => shown(await client.messages.create({ ...body, temperature: 0.5 }, { headers: { "anthropic-version": "2023-06-01" } })),
    models: async () => { const names = []; for await (const model of client.models.list()) names.push(model.id); return names; },
  };
};

const google = () => {
  const client = new GoogleGenAI({ apiKey: "AIza", httpOptions: { baseUrl: origin, headers } });
  const asked = { model: "gemini-1.5-pro", contents: prompt, config: { systemInstruction: "Be brief.", maxOutputTokens: 1000 } };
  const shown = (answer, text, chunks) => ({
    text, chunks, finish: answer.candidates?.[0]?.finishReason, blocked: answer.promptFeedback?.blockReason, model: answer.modelVersion,
    input: answer.usageMetadata.promptTokenCount, output: answer.usageMetadata.candidatesTokenCount,
  });
  return {
    whole: async () => { const answer = await client.models.generateContent(asked); return shown(answer, answer.text); },
    structured: async () => {
      const answer = await client.models.generateContent({
        ...asked, config: { ...asked.config, responseMimeType: "application/json", responseJsonSchema: schema } });
      return shown(answer, answer.text);
    },
    stream: async () => {
      let last, text = "", chunks = 0;
      for await (const chunk of await client.models.generateContentStream(asked)) {
        text += chunk.text ?? "";
        chunks += 1;
        last = chunk;
      }
      return shown(last, text, chunks);
    },
    embed: async () => {
      const answer = await client.models.embedContent({
        model: "gemini-embedding-001", contents: ["a note app with tags", "a note app with coloured tags", "chess"], config: { outputDimensionality: 1536 } });
      return { plain: answer.embeddings.map((row) => row.values) };
    },
    models: async () => { const names = []; for await (const model of await client.models.list()) names.push(model.name); return names; },
  };
};

try {
  const asked = { openai, anthropic, google }[provider]();
  console.log(JSON.stringify({ value: await asked[scenario === "retry" ? "whole" : scenario]() }));
} catch (error) {
  console.log(JSON.stringify({ error: error.constructor.name, status: error.status ?? null, message: String(error.message), request: error.requestID ?? null }));
}
