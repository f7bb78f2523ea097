using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Lemma.Cli.Parsing;
using Lemma.Text.Templates;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma tokenizer template</c>: the text that a model's chat template makes of a conversation.</summary>
internal static class TemplateCommand
{
    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, its tokenizer_config.json, or a .jinja file" };
        Option<string> messages = new("--messages") { Description = "A JSON list of messages", HelpName = "FILE", Required = true };
        Option<string?> tools = new("--tools") { Description = "A JSON list of the tools that the model may call", HelpName = "FILE" };
        Option<string?> variables = new("--variables") { Description = "A JSON object of further variables", HelpName = "FILE" };
        Option<string?> name = new("--name") { Description = "Which template, where the model has several" };
        Option<bool> prompt = Choice.Flag("--generation-prompt", "End where the model's answer begins");
        TemplateLimits limits = new();
        Option<long?> steps = new("--max-steps")
        {
            Description = $"Steps that the template may take ({Whole(limits.Steps)})",
            HelpName = "N",
        };
        Option<int?> length = new("--max-length")
        {
            Description = $"UTF-16 units that a text may have ({Whole(limits.Length)})",
            HelpName = "N",
        };
        Command command = new("template", "Show the text that a chat template makes of a conversation.")
        {
            model, messages, tools, variables, name, prompt, steps, length,
        };
        Examples.Add(command,
            ("what the model reads before it answers", "lemma tokenizer template runs/chat --messages talk.json --generation-prompt"),
            ("with tools", "lemma tokenizer template runs/chat --messages talk.json --tools tools.json"));
        command.SetAction(parsed =>
        {
            ChatTemplate template = ChatTemplate.Load(parsed.GetRequiredValue(model), parsed.GetValue(name));
            Console.Write(template.Render(Read(parsed.GetRequiredValue(messages), JsonValueKind.Array), new ChatOptions
            {
                Tools = parsed.GetValue(tools) is string file ? Read(file, JsonValueKind.Array) : null,
                Variables = parsed.GetValue(variables) is string more
                    ? Read(more, JsonValueKind.Object).EnumerateObject().ToDictionary(static pair => pair.Name, static pair => pair.Value)
                        : [],
                AddGenerationPrompt = parsed.GetValue(prompt),
                Now = DateTime.Now,
                Limits = limits with
                {
                    Steps = parsed.GetValue(steps) ?? limits.Steps,
                    Length = parsed.GetValue(length) ?? limits.Length,
                },
            }));
            return CommandLine.Done;
        });
        return command;
    }

    private static string Whole(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static JsonElement Read(string file, JsonValueKind kind)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(file);
            JsonElement root = JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0)).RootElement;
            return root.ValueKind == kind ? root
                : throw new InvalidDataException($"{file}: the file must hold {(kind == JsonValueKind.Array ? "a list" : "an object")}, but does not");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"{file}: the file must be JSON, but line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1} is not", error);
        }
    }
}
