using System.Text.Json;
using Json.Schema;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Language;
using Lemma.Language.Tools;
using Lemma.Tests.Decoding.Constraints;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Tests.Language.Tools;

public class AnswerParserTests
{
    private const string Schema = """
        {"type":"object","properties":{"city":{"type":"string","maxLength":12},"days":{"type":"integer","minimum":1,"maximum":14},"unit":{"type":"string","enum":["c","f"]}},
        "required":["city"],"additionalProperties":false}
        """;

    private static readonly Tool[] Tools = [new("weather", "Tells the weather", JsonDocument.Parse(Schema).RootElement), new("now", null, JsonDocument.Parse("{\"type\":\"object\",\"properties\":{}}").RootElement)];

    private static readonly Tool[] Numbers = [new("weather", null, JsonDocument.Parse("""
        {"type":"object","properties":{"days":{"type":"integer","minimum":1,"maximum":14},"unit":{"type":"string","enum":["c","f"]},"at":{"type":"array","items":{"type":"number"},"maxItems":2}},
        "required":["unit"],"additionalProperties":false}
        """).RootElement), Tools[1]];

    public static TheoryData<string> Templates => [MadeTemplates.Tagged, MadeTemplates.List, MadeTemplates.Named, MadeTemplates.Parameters, MadeTemplates.Bare];

    [Theory]
    [InlineData(MadeTemplates.Tagged, "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"a}\\\"b\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
        "C:Let me see. N0:weather A0:{\"city\": \"a}\\\"b\"} N1:now A1:{}")]
    [InlineData(MadeTemplates.Tagged, "<think>\nIs < 3? <tool_call>\n</think>\n\nYes < no <tool", "R:Is < 3? <tool_call> C:Yes < no <tool")]
    [InlineData(MadeTemplates.Tagged, "  plain\n\ntext \n", "C:  plain\n\ntext \n")]
    [InlineData(MadeTemplates.List, "<|call|>[{\"name\": \"weather\", \"arguments\": {\"city\": \"x\"}, \"id\": \"abcdefghi\"}, {\"name\": \"now\", \"arguments\": {}, \"id\": \"123456789\"}]",
        "N0:weather A0:{\"city\": \"x\"} I0:abcdefghi N1:now A1:{} I1:123456789")]
    [InlineData(MadeTemplates.Named, "hm\n</think>\n\n<calls><call>weather:{\"city\": [1, {\"a\": 2}]}</call><call>now:{}</call></calls>", "R:hm N0:weather A0:{\"city\": [1, {\"a\": 2}]} N1:now A1:{}")]
    [InlineData(MadeTemplates.Named, "hm</think>so", "R:hm C:so")]
    [InlineData(MadeTemplates.Parameters, "ok\n<tool_call>\n<function=weather>\n<parameter=city>\n12\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=now>\n</function>\n</tool_call>",
        "C:ok N0:weather A0:{\"city\": \"12\", \"days\": 3} N1:now A1:{}")]
    [InlineData(MadeTemplates.Bare, "{\"name\": \"now\", \"parameters\": {}}", "N0:now A0:{}")]
    [InlineData(MadeTemplates.Bare, "{\"a\": 1}", "C:{\"a\": 1}")]
    public void PartsAreToldWhateverTheBordersOfThePieces(string template, string text, string expected)
    {
        AnswerFormat format = AnswerFormat.Find(ChatTemplate.Parse(template));
        List<string[]> ways = [[text], [.. text.Select(c => c.ToString())]];
        for (int cut = 1; cut < text.Length; cut++)
            ways.Add([text[..cut], text[cut..]]);
        Random random = new(1);
        for (int i = 0; i < 50; i++)
        {
            List<string> pieces = [];
            for (int at = 0; at < text.Length; at += pieces[^1].Length)
                pieces.Add(text.Substring(at, Math.Min(random.Next(1, 9), text.Length - at)));
            ways.Add([.. pieces]);
        }
        foreach (string[] pieces in ways)
        {
            AnswerParser parser = new(format, Tools);
            Assert.Equal(expected, Told([.. pieces.SelectMany(piece => parser.Append(piece)), .. parser.Finish()]));
        }
    }

    [Fact]
    public void ArgumentsComeAsTheyAreWritten()
    {
        AnswerParser parser = new(AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Tagged)), Tools);
        Assert.Equal("N0:weather A0:{\"ci", Told(parser.Append("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"ci")));
        Assert.Equal("A0:ty\": \"", Told(parser.Append("ty\": \"")));
        Assert.Equal("A0:x\"}", Told(parser.Append("x\"}}\n</tool")));
        Assert.Equal("", Told(parser.Append("_call>")));
        Assert.Equal("C:more", Told([.. parser.Append(" more"), .. parser.Finish()]));
        AnswerParser without = new(AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Tagged)), []);
        Assert.Equal("C:<tool_call>", Told([.. without.Append("<tool_call>"), .. without.Finish()]));
    }

    [Theory, MemberData(nameof(Templates))]
    public void RequiredCallsAreParsedAndTheirArgumentsValidate(string template)
    {
        // Thoughts and free texts have no end that is drawn by chance.
        AnswerFormat format = AnswerFormat.Find(ChatTemplate.Parse(template)) with { Reasoning = null };
        Tool[] Tools = template == MadeTemplates.Parameters ? Numbers : AnswerParserTests.Tools;
        Tokenizer tokenizer = ConstraintTokenizers.ByteLevel;
        JsonSchema validator = JsonSchema.FromText(Tools[0].Parameters.GetRawText());
        Constraint any = ToolGrammar.Of(format, Tools, ToolChoice.Required, tokenizer)!, named = ToolGrammar.Of(format, Tools, ToolChoice.Named("weather"), tokenizer)!;
        Assert.Null(ToolGrammar.Of(format, Tools, ToolChoice.None, tokenizer));
        bool several = false;
        for (int i = 0; i < 40; i++)
        {
            AnswerParser parser = new(format, Tools);
            AnswerParts parts = new();
            string text = RandomTexts.Draw(i % 2 == 0 ? any : named, tokenizer, ConstraintTokenizers.End, new Random(i), keepsSpecialTokens: true);
            foreach (AnswerDelta delta in (AnswerDelta[])[.. parser.Append(text), .. parser.Finish()])
                parts.Add(delta);
            Assert.True(parts.Calls.Count > 0, text);
            several |= parts.Calls.Count > 1;
            Assert.Equal("", parts.Content);
            foreach (ToolCall call in parts.Calls)
            {
                using JsonDocument arguments = JsonDocument.Parse(call.Arguments);
                Assert.True(call.Name == "now" || (call.Name == "weather" && validator.Evaluate(arguments.RootElement).IsValid), text);
                Assert.True(i % 2 == 0 || call.Name == "weather");
                Assert.Equal(9, call.Id.Length);
            }
        }
        Assert.Equal(format.Calls!.Between is not null, several);
    }

    [Fact]
    public void FreeAnswersMayCallAndThenMustMatch()
    {
        Tokenizer tokenizer = ConstraintTokenizers.ByteLevel;
        foreach (string template in Templates.Select(row => row.Data))
        {
            AnswerFormat format = AnswerFormat.Find(ChatTemplate.Parse(template));
            Constraint constraint = ToolGrammar.Of(format, Tools, ToolChoice.Auto, tokenizer)!;
            string start = format.Reasoning is { IsOpen: true } thought ? thought.End : "";
            string call = format.Calls!.Before + format.Calls.Call[0].Text;
            if (template == MadeTemplates.List)
                continue;
            Assert.True(Matches(constraint, start + "Hello.") is true);
            Assert.Null(Matches(constraint, start + "Hello " + call + "weather"));
            Assert.False(Matches(constraint, start + "Hello " + call + "nothing") is not false);
        }

        bool? Matches(Constraint constraint, string text) => constraint.Matches(ConstraintTokenizers.Spell(text));
    }

    [Fact]
    public void WhatCannotBeIsSaid()
    {
        AnswerFormat plain = AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Plain)), tagged = AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Tagged));
        Tokenizer tokenizer = ConstraintTokenizers.ByteLevel;
        Assert.Null(ToolGrammar.Of(plain, Tools, ToolChoice.Auto, tokenizer));
        Assert.Contains("the chat template writes none", Assert.Throws<ArgumentException>(() => ToolGrammar.Of(plain, Tools, ToolChoice.Required, tokenizer)).Message, StringComparison.Ordinal);
        Assert.Contains("required of 'other'", Assert.Throws<ArgumentException>(() => ToolGrammar.Of(tagged, Tools, ToolChoice.Named("other"), tokenizer)).Message, StringComparison.Ordinal);
        Tool wrong = new("wrong", null, JsonDocument.Parse("{\"if\":{}}").RootElement);
        Assert.Contains("tool 'wrong': schema: #/if", Assert.Throws<GrammarException>(() => ToolGrammar.Of(tagged, [wrong], ToolChoice.Auto, tokenizer)).Message, StringComparison.Ordinal);
        Assert.Contains("occurs twice", Assert.Throws<ArgumentException>(() => Tool.ToJson([Tools[0], Tools[0]])).Message, StringComparison.Ordinal);
        Assert.Contains("letters, digits", Assert.Throws<ArgumentException>(() => Tool.ToJson([Tools[0] with { Name = "a b" }])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AConversationCallsATool()
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 1024, MadeTemplates.Bare);
        using Conversation conversation = model.NewConversation();
        ToolConversation talk = new(conversation, Tools);
        GenerationOptions options = GenerationOptions.Sample(1.2) with { MaximumTokens = 300, StopIds = [] };
        List<AnswerDelta> deltas = [.. talk.Say("Weather?", options, ToolChoice.Named("weather"))];
        ToolCall call = Assert.Single(talk.Calls);
        Assert.Equal(("weather", "call00000"), (call.Name, call.Id));
        Assert.Equal(call.Arguments, string.Concat(deltas.Where(delta => delta.Kind == AnswerKind.Arguments).Select(delta => delta.Text)));
        using JsonDocument arguments = JsonDocument.Parse(call.Arguments);
        Assert.True(JsonSchema.FromText(Schema).Evaluate(arguments.RootElement).IsValid);

        talk.AddResult(call, "sunny");
        Assert.Equal(["user", "assistant", "tool"], conversation.Messages.Select(message => message.Role));
        string rendered = model.Template!.Render(conversation.Messages);
        Assert.Contains("[assistant]{\"name\": \"weather\", \"parameters\": {", rendered, StringComparison.Ordinal);
        Assert.EndsWith("[tool]sunny[/]\n", rendered, StringComparison.Ordinal);
        string said = string.Concat(talk.Answer(options with { MaximumTokens = 20 }, ToolChoice.None).Select(delta => delta.Text));
        Assert.Empty(talk.Calls);
        Assert.Equal(said, conversation.Messages[^1].Content);

        // Left in the middle, the answer so far is a message.
        foreach (AnswerDelta delta in talk.Say("Again?", options, ToolChoice.Required))
            if (delta.Kind == AnswerKind.CallName)
                break;
        Assert.Single(talk.Calls);
        Assert.Equal("call00001", talk.Calls[0].Id);
        Assert.Equal("assistant", conversation.Messages[^1].Role);
    }

    [Fact]
    public void ThoughtsEndBeforeACallThatIsRequired()
    {
        AnswerFormat format = AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Named)), optional = AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Tagged));
        Constraint open = ToolGrammar.Of(format, Tools, ToolChoice.Required, ConstraintTokenizers.ByteLevel)!, both = ToolGrammar.Of(optional, Tools, ToolChoice.Required, ConstraintTokenizers.ByteLevel)!;
        const string call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
        Assert.True(open.Matches(ConstraintTokenizers.Spell("hm < </think>\n\n<calls><call>now:{}</call></calls>")));
        Assert.Null(open.Matches(ConstraintTokenizers.Spell("hm")));
        Assert.False(open.Matches(ConstraintTokenizers.Spell("hm</think>no")));
        Assert.True(both.Matches(ConstraintTokenizers.Spell(call)));
        Assert.True(both.Matches(ConstraintTokenizers.Spell("<think>\nwell\n</think>\n\n" + call)));
        Assert.False(both.Matches(ConstraintTokenizers.Spell("well")));
    }

    [Fact]
    public void WhatIsSaidInPlaceOfCallsHasItsFormat()
    {
        Grammar said = Grammar.JsonSchema("""{"type":"object","properties":{"age":{"type":"integer"}},"required":["age"],"additionalProperties":false}""");
        AnswerFormat format = AnswerFormat.Find(ChatTemplate.Parse(MadeTemplates.Tagged));
        Constraint auto = ToolGrammar.Of(format, Tools, ToolChoice.Auto, ConstraintTokenizers.ByteLevel, said)!,
            required = ToolGrammar.Of(format, Tools, ToolChoice.Required, ConstraintTokenizers.ByteLevel, said)!;
        const string call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>", value = "{\"age\": 35}";
        Assert.True(auto.Matches(ConstraintTokenizers.Spell(call)));
        // Templates that end a line before the calls teach models to do so.
        Assert.True(auto.Matches(ConstraintTokenizers.Spell("\n" + call)));
        Assert.True(required.Matches(ConstraintTokenizers.Spell("\n" + call)));
        Assert.True(auto.Matches(ConstraintTokenizers.Spell(value)));
        Assert.True(auto.Matches(ConstraintTokenizers.Spell("<think>\nwell\n</think>\n\n" + value)));
        Assert.False(auto.Matches(ConstraintTokenizers.Spell("well")));
        Assert.False(auto.Matches(ConstraintTokenizers.Spell("{\"age\": \"old\"}")));
        Assert.True(required.Matches(ConstraintTokenizers.Spell(call)));
        Assert.False(required.Matches(ConstraintTokenizers.Spell(value)));
    }

    private static string Told(IEnumerable<AnswerDelta> deltas)
    {
        List<(string Key, string Text)> joined = [];
        foreach (AnswerDelta delta in deltas)
        {
            string key = delta.Kind switch
            {
                AnswerKind.Content => "C",
                AnswerKind.Reasoning => "R",
                AnswerKind.CallName => $"N{delta.Call}",
                AnswerKind.CallId => $"I{delta.Call}",
                _ => $"A{delta.Call}",
            };
            Assert.NotEqual("", delta.Text);
            if (joined.Count > 0 && joined[^1].Key == key)
                joined[^1] = (key, joined[^1].Text + delta.Text);
            else
                joined.Add((key, delta.Text));
        }
        return string.Join(' ', joined.Select(one => $"{one.Key}:{one.Text}"));
    }
}
