using Lemma.Tests.Language.Tools;
using Lemma.Text.Templates;

namespace Lemma.Tests.Text.Templates;

public class AnswerFormatTests
{
    private static readonly Dictionary<string, string> Tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    [Theory]
    [InlineData("Qwen-Qwen2.5-7B-Instruct", "<tool_call>\n|{\"name\": \"|N|\", \"arguments\": |A|}|\n</tool_call>\n<tool_call>\n|\n</tool_call>", "")]
    [InlineData("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "<tool_call>\n|{\"name\": \"|N|\", \"arguments\": |A|}|\n</tool_call>\n<tool_call>\n|\n</tool_call>", "")]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407", "[TOOL_CALLS][|{\"name\": \"|N|\", \"arguments\": |A|, \"id\": \"|I|\"}|, |]", "")]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "|{\"name\": \"|N|\", \"parameters\": |A|}|", "")]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>||N|\n```json\n|A||"
        + "\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>|\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "<think> </think> open")]
    [InlineData("google-gemma-2-2b-it", "none", "")]
    [InlineData("microsoft-Phi-3.5-mini-instruct", "none", "")]
    public void FormatsOfRealTemplatesAreFound(string name, string calls, string reasoning) =>
        Check(ChatTemplate.Parse(File.ReadAllText(SharedData.FindOrSkip($"data/chat-templates/{name}.jinja")), Tokens), calls, reasoning);

    [Theory]
    [InlineData(MadeTemplates.Tagged, "<tool_call>\n|{\"name\": \"|N|\", \"arguments\": |A|}|\n</tool_call>\n<tool_call>\n|\n</tool_call>", "<think> </think>")]
    [InlineData(MadeTemplates.List, "<|call|>[|{\"name\": \"|N|\", \"arguments\": |A|, \"id\": \"|I|\"}|, |]", "")]
    [InlineData(MadeTemplates.Named, "<calls><call>||N|:|A||</call><call>|</call></calls>", "<think> </think> open")]
    [InlineData(MadeTemplates.Bare, "|{\"name\": \"|N|\", \"parameters\": |A|}|", "")]
    [InlineData(MadeTemplates.Plain, "none", "")]
    public void FormatsOfMadeTemplatesAreFound(string template, string calls, string reasoning) => Check(ChatTemplate.Parse(template), calls, reasoning);

    [Fact]
    public void ParametersOneByOneAreFound()
    {
        ToolCallFormat calls = AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Parameters)).Calls!;
        Assert.Equal("<tool_call>\n<function=", calls.Before);
        Assert.Equal([CallHole.Name, CallHole.Arguments, null], calls.Call.Select(part => part.Hole));
        Assert.NotNull(calls.Parameters);
        string one = $"{calls.Parameters.Before}k{calls.Parameters.Middle}v{calls.Parameters.After}";
        Assert.Equal("<tool_call>\n<function=f>\n<parameter=k>\nv\n</parameter>\n</function>\n</tool_call>",
            $"{calls.Before}f{calls.Call[1].Text}{one}{calls.After}");
        Assert.Equal("<tool_call>\n<function=f>\n</function>\n</tool_call>\n<tool_call>\n<function=g>\n</function>\n</tool_call>",
            $"{calls.Before}f{calls.Call[1].Text}{calls.Between}g{calls.Call[1].Text}{calls.After}");
    }

    [Fact]
    public void ArgumentsAreGivenAsTheTemplateTakesThem()
    {
        Assert.True(AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Named)).Calls is { TakesText: true, TakesNoContent: true });
        Assert.True(AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Tagged)).Calls is { TakesText: false, TakesNoContent: false });
    }

    private static void Check(ChatTemplate template, string calls, string reasoning)
    {
        AnswerFormat format = AnswerFormat.Find(template);
        string found = format.Calls is not { } form ? "none" : string.Join('|', [form.Before,
            .. form.Call.SelectMany(part => part.Hole is { } hole ? new[] { part.Text, hole.ToString()[..1] } : [part.Text]), .. form.Between is null ? [] : new[] { form.Between }, form.After]);
        Assert.Equal(calls, found);
        Assert.Equal(reasoning, format.Reasoning is { } marks ? $"{marks.Start} {marks.End}{(marks.IsOpen ? " open" : "")}" : "");
    }
}
