// The clients that programs of JavaScript use, against a running server: node clients.mjs URL. It serves `tiny`, a model whose template calls tools, and `vectors`.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { embed, generateText, jsonSchema, Output, streamText, tool } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";

const url = process.argv[2].replace(/\/$/, "");
const schema = { type: "object", properties: { isOn: { type: "boolean" }, room: { enum: ["hall", "loft"] } }, required: ["isOn", "room"], additionalProperties: false };
const messages = [{ role: "user", content: "ab" }];

function assertLamp(value) {
  assert.deepEqual(Object.keys(value), ["isOn", "room"]);
  assert.equal(typeof value.isOn, "boolean");
  assert.ok(["hall", "loft"].includes(value.room));
}

// A model of random weights may end a text at any place.
const ends = ["max_tokens", "end_turn"];

function assertBetween(tokens) {
  assert.ok(tokens > 0 && tokens <= 20, `${tokens}`);
}

async function collect(stream, text) {
  let all = "";
  for await (const piece of stream) all += text(piece) ?? "";
  return all;
}

const checks = {
  async "openai: chat and stream are one text"() {
    const client = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });
    const asked = { model: "tiny", messages, seed: 7, max_completion_tokens: 20, temperature: 0.5 };
    const whole = await client.chat.completions.create(asked);
    const streamed = await collect(await client.chat.completions.create({ ...asked, stream: true }), piece => piece.choices[0]?.delta.content);
    assert.equal(whole.choices[0].message.content, streamed);
    assertBetween(whole.usage.completion_tokens);
  },
  async "openai: a call there and back"() {
    const client = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });
    const tools = [{ type: "function", function: { name: "lamp", parameters: schema } }];
    const runner = client.chat.completions.stream({ model: "tiny", messages, tools, tool_choice: { type: "function", function: { name: "lamp" } }, parallel_tool_calls: false });
    const message = (await runner.finalChatCompletion()).choices[0].message;
    assertLamp(JSON.parse(message.tool_calls[0].function.arguments));
    const next = await client.chat.completions.create({
      model: "tiny", tools, tool_choice: "none", max_completion_tokens: 3, messages: [...messages, message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "done" }],
    });
    assert.ok(["length", "stop"].includes(next.choices[0].finish_reason));
  },
  async "openai: a schema, vectors, responses"() {
    const client = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });
    const held = await client.chat.completions.create({ model: "tiny", messages, response_format: { type: "json_schema", json_schema: { name: "lamp", schema, strict: true } } });
    assertLamp(JSON.parse(held.choices[0].message.content));
    const vectors = await client.embeddings.create({ model: "vectors", input: ["ab", "b"] });
    assert.equal(vectors.data.length, 2);
    assert.ok(vectors.data[0].embedding.length > 1);
    const asked = { model: "tiny", input: "ab", max_output_tokens: 20, seed: 7, instructions: "be brief" };
    const whole = await client.responses.create(asked);
    const stream = client.responses.stream(asked);
    assert.equal((await stream.finalResponse()).output_text, whole.output_text);
    const next = await client.responses.create({ model: "tiny", input: "b", max_output_tokens: 20, previous_response_id: whole.id });
    assert.equal(next.previous_response_id, whole.id);
    const called = await client.responses.create({ model: "tiny", input: "ab", tools: [{ type: "function", name: "lamp", parameters: schema, strict: true }], tool_choice: { type: "function", name: "lamp" } });
    assertLamp(JSON.parse(called.output.find(item => item.type === "function_call").arguments));
  },
  async "openai: errors and leaving"() {
    const client = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });
    await assert.rejects(client.chat.completions.create({ model: "gpt", messages }), error => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
    await assert.rejects(client.chat.completions.create({ model: "tiny", messages, temperature: 9 }), error => error instanceof OpenAI.BadRequestError && error.param === "temperature");
    const stream = await client.chat.completions.create({ model: "tiny", messages, stream: true, ignore_eos: true });
    for await (const piece of stream) {
      if (piece.choices[0]?.delta.content) break;
    }
    stream.controller.abort();
  },
  async "ai: text, stream, a call, a schema, vectors, errors"() {
    const provider = createOpenAICompatible({ name: "lemma", baseURL: url + "/v1", supportsStructuredOutputs: true, includeUsage: true });
    const model = provider("tiny"), few = { model, prompt: "ab", maxOutputTokens: 20, seed: 7, temperature: 0.5, maxRetries: 0 };
    const whole = await generateText(few);
    assert.ok(["length", "stop"].includes(whole.finishReason));
    assertBetween(whole.usage.outputTokens);
    const stream = streamText(few);
    assert.equal(await collect(stream.textStream, text => text), whole.text);
    const lamp = tool({ description: "A lamp.", inputSchema: jsonSchema(schema) });
    const called = await generateText({ model, prompt: "ab", tools: { lamp }, toolChoice: { type: "tool", toolName: "lamp" }, maxRetries: 0 });
    assertLamp(called.toolCalls[0].input);
    const held = await generateText({ model, prompt: "ab", output: Output.object({ schema: jsonSchema(schema) }), maxRetries: 0 });
    assertLamp(held.output);
    const { embedding } = await embed({ model: provider.embeddingModel("vectors"), value: "ab" });
    assert.ok(embedding.length > 1);
    await assert.rejects(generateText({ ...few, model: provider("gpt") }), /does not exist/);
  },
  async "anthropic: text, stream, a call there and back, tokens, errors"() {
    const client = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
    const asked = { model: "tiny", max_tokens: 20, messages, temperature: 0.5, seed: 7 };
    const whole = await client.messages.create(asked);
    assert.ok(ends.includes(whole.stop_reason));
    const streamed = await client.messages.stream(asked).finalMessage();
    assert.deepEqual(streamed.content.map(block => block.text), whole.content.map(block => block.text));
    const tools = [{ name: "lamp", description: "A lamp.", input_schema: schema }];
    const called = await client.messages.stream({ model: "tiny", max_tokens: 3000, seed: 3, messages, tools, tool_choice: { type: "tool", name: "lamp", disable_parallel_tool_use: true } }).finalMessage();
    assert.equal(called.stop_reason, "tool_use");
    const use = called.content.find(block => block.type === "tool_use");
    assertLamp(use.input);
    const turns = [...messages, { role: "assistant", content: called.content }, { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "done" }] }];
    const next = await client.messages.create({ model: "tiny", max_tokens: 3, messages: turns, tools, tool_choice: { type: "none" } });
    assert.ok(ends.includes(next.stop_reason));
    const counted = await client.messages.countTokens({ model: "tiny", messages });
    assert.ok(counted.input_tokens > 0);
    await assert.rejects(client.messages.create({ ...asked, model: "gpt" }), error => error instanceof Anthropic.NotFoundError);
  },
  async "ollama: chat, stream, a schema, vectors, errors, leaving"() {
    const client = new Ollama({ host: url });
    const asked = { model: "tiny", messages, options: { seed: 7, num_predict: 20 } };
    const whole = await client.chat(asked);
    assert.ok(["length", "stop"].includes(whole.done_reason));
    assert.equal(await collect(await client.chat({ ...asked, stream: true }), piece => piece.message.content), whole.message.content);
    assertLamp(JSON.parse((await client.chat({ model: "tiny", messages, format: schema })).message.content));
    assert.equal((await client.embed({ model: "vectors", input: ["ab", "b"] })).embeddings.length, 2);
    assert.deepEqual((await client.list()).models.map(one => one.name), ["tiny", "vectors"]);
    await assert.rejects(client.chat({ ...asked, model: "gpt" }), error => error.status_code === 404);
    const endless = await client.generate({ model: "tiny", prompt: "ab", stream: true, options: { num_predict: -1 } });
    await assert.rejects(async () => {
      for await (const _ of endless) endless.abort();
      throw new DOMException("it ended by itself", "AbortError");
    }, error => error.name === "AbortError");
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log("passed " + name);
}
