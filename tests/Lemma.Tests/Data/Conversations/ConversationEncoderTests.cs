using System.Text.Json;
using Lemma.Data;
using Lemma.Text;
using Lemma.Text.Templates;
using Lemma.Text.Training;

namespace Lemma.Tests.Data.Conversations;

/// <summary>Tokens that count are what the assistant says and the marks behind it, for templates of real models and for the plain form.</summary>
public sealed class ConversationEncoderTests
{
    private static readonly ChatMessage[] Turns =
    [
        new("user", "Hi there"), new("assistant", "Hello! 你好 🙂"), new("user", "And 1 + 1?"), new("assistant", "Two,\n\nof course."),
        new("user", "Bye"), new("assistant", "Bye.\nSee you"),
    ];

    private static readonly Dictionary<string, string> Marks = new()
    {
        ["Qwen-Qwen2.5-7B-Instruct"] = "<|im_end|>",
        ["NousResearch-Hermes-3-Llama-3.1-8B-tool_use"] = "<|im_end|>",
        ["meta-llama-Llama-3.1-8B-Instruct"] = "<|eot_id|>",
        ["google-gemma-2-2b-it"] = "<end_of_turn>",
        ["mistralai-Mistral-Nemo-Instruct-2407"] = "</s>",
    };

    private const string Phi = "microsoft-Phi-3.5-mini-instruct", Qwen = "Qwen-Qwen2.5-7B-Instruct", Hermes = "NousResearch-Hermes-3-Llama-3.1-8B-tool_use";

    // Where marks are no tokens of their own, no word of GPT-2 holds one and the line feed behind it.
    public static TheoryData<string, string> RealOnes =>
    [
        .. Marks.Keys.Append(Phi).Select(template => (template, "small")),
        (Qwen, "gpt2"), (Hermes, "gpt2"), (Phi, "gpt2"), ("google-gemma-2-2b-it", "gpt2"),
        (Qwen, "qwen/qwen.lf.tiktoken"), (Hermes, "qwen/qwen.lf.tiktoken"),
    ];

    [Theory, MemberData(nameof(RealOnes))]
    public void OfRealTemplatesTheAnswersCount(string name, string tokenizerName)
    {
        ChatTemplate template = Real(name);
        JsonElement? tools = name == Hermes ? JsonDocument.Parse("[]").RootElement : null;
        Tokenizer tokenizer = tokenizerName == "small" ? Bytes([.. Marks.Values.Append("<|end|>").Distinct()])
            : Tokenizer.Load(SharedData.FindOrSkip($"data/tokenizers/{tokenizerName}"));
        string[] expected = name == Phi
            ? ["Hello! 你好 🙂<|end|>", "Two,\n\nof course.<|end|>", "Bye.\nSee you<|end|>\n</s>"]
            : [.. Turns.Where(turn => turn.Role == "assistant").Select(turn => turn.Content + Marks[name])];
        Assert.Equal(expected, Counted(tokenizer, template, Turns, CountedTokens.Answers, tools));
        Assert.Equal(expected[^1..], Counted(tokenizer, template, Turns, CountedTokens.LastAnswer, tools));
        string all = template.Render(Turns, new ChatOptions { Tools = tools });
        TokenExample whole = Encode(tokenizer, template, Turns, CountedTokens.All, tools);
        Assert.Equal(all, tokenizer.Decode(whole.Ids.Span, skipSpecialTokens: false));
        Assert.Equal(whole.Rows, whole.Predicted);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void ThePlainFormEndsAnswersWithTheirMark(bool hasEnd, bool isCharacters)
    {
        Tokenizer tokenizer = Small(isCharacters);
        ChatTemplate template = PlainTemplate.For(tokenizer, hasEnd ? tokenizer.IdOf("<|end|>") : null);
        ChatMessage[] turns = [new("system", "Be kind."), .. Turns];
        string end = hasEnd ? "<|end|>" : "\n";
        Assert.Equal([$" Hello! 你好 🙂{end}", $" Two,\n\nof course.{end}", $" Bye.\nSee you{end}"], Counted(tokenizer, template, turns, CountedTokens.Answers));
        Assert.StartsWith("<|end|>Be kind.\nQ: Hi there\nA: Hello!", PlainTemplate.For(tokenizer, null, tokenizer.IdOf("<|end|>")).Render(turns), StringComparison.Ordinal);
        Assert.Contains("the bos_token must be an added token of the tokenizer, but the id 5 is none",
            Assert.Throws<ArgumentException>(() => PlainTemplate.For(tokenizer, null, 5)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Be kind.\nQ: Hi there\nA: Hello!", template.Render(turns), StringComparison.Ordinal);
        Assert.EndsWith("Q: Hi there\nA:", template.Render(turns[..2], new ChatOptions { AddGenerationPrompt = true }), StringComparison.Ordinal);
    }

    [Fact]
    public void GenerationBlocksSayWhatCounts()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ messages|length }}{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}"
            + "{% generation %}{{ m.content }}[end]{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}");
        Assert.True(template.MarksAnswers);
        Tokenizer tokenizer = Small(isCharacters: false);
        Assert.Equal(["Hello! 你好 🙂[end]", "Two,\n\nof course.[end]", "Bye.\nSee you[end]"], Counted(tokenizer, template, Turns, CountedTokens.Answers));
        Assert.Equal(["Bye.\nSee you[end]"], Counted(tokenizer, template, Turns, CountedTokens.LastAnswer));
        ChatTemplate lost = ChatTemplate.Parse("{% macro say(m) %}{% generation %}{{ m.content }}{% endgeneration %}{% endmacro %}"
            + "{% for m in messages %}{{ say(m) }}{% endfor %}");
        Assert.Equal("Hi there", tokenizer.Decode(Encode(tokenizer, lost, Turns, CountedTokens.All).Ids.Span)[..8]);
        Assert.Equal("here: the template's generation blocks must mark each of the assistant's 3 turns once, but they mark 0 parts",
            Assert.Throws<InvalidDataException>(() => Encode(tokenizer, lost, Turns, CountedTokens.Answers)).Message);
    }

    [Fact]
    public void ATemplateThatRewritesTurnsSaysWhere()
    {
        Tokenizer tokenizer = Small(isCharacters: false);
        ChatTemplate counts = ChatTemplate.Parse("{{ messages|length }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}");
        Assert.Equal("here: the template does not fit training: the text up to the answer of turn 2 must be the beginning of that with the answer, "
            + "but from character 0 on it is '1<user>Hi there<assistan' and not '2<user>Hi there<assistan'",
            Assert.Throws<InvalidDataException>(() => Encode(tokenizer, counts, Turns, CountedTokens.Answers)).Message);
        ChatTemplate forgets = ChatTemplate.Parse("{% for m in messages %}<{{ m.role }}>{{ m.content if loop.last or m.role == 'user' else '-' }}{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}");
        Assert.Contains("the text with the answer of turn 2 must be the beginning of that with all turns, but from character 25 on it is 'Hello!",
            Assert.Throws<InvalidDataException>(() => Encode(tokenizer, forgets, Turns, CountedTokens.Answers)).Message, StringComparison.Ordinal);
        Assert.Equal(["Bye.\nSee you"], Counted(tokenizer, forgets, Turns, CountedTokens.LastAnswer));
        Assert.Contains("the template does not fit training", Assert.Throws<InvalidDataException>(
            () => Encode(tokenizer, Real("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B"), Turns, CountedTokens.Answers)).Message, StringComparison.Ordinal);
        Assert.Contains("here: of 2 turns: template: line 1, column", Assert.Throws<InvalidDataException>(() => Encode(tokenizer,
            PlainTemplate.For(tokenizer, null), [new("user", "a"), new("tool", "b")], CountedTokens.All)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RealCallsOfToolsAreLearned()
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip("data/tokenizers/qwen/qwen.lf.tiktoken"));
        List<ChatExample> chats = ExampleFiles.Read<ChatExample>([SharedData.FindOrSkip("data/corpora/toolcalls-en.json")], new DataReport());
        DataReport report = new();
        ConversationEncoder encoder = new(tokenizer, Real("Qwen-Qwen2.5-7B-Instruct"), new ConversationOptions { MaximumLength = 1 << 20 });
        TokenExample[] examples = [.. encoder.Encode(chats, report)];
        Assert.Equal((chats.Count, 0), (examples.Length, report.Dropped));
        for (int i = 0; i < chats.Count; i++)
        {
            string[] parts = Parts(tokenizer, examples[i]);
            ChatMessage[] answers = [.. chats[i].Messages.Where(message => message.Role == "assistant")];
            Assert.Equal(answers.Length, parts.Length);
            for (int j = 0; j < parts.Length; j++)
            {
                if (answers[j].Fields is null)
                    Assert.Equal(answers[j].Content + "<|im_end|>", parts[j]);
                else
                    Assert.Matches("^\n?<tool_call>\n(?s:.*)</tool_call><\\|im_end\\|>$", parts[j]);
            }
        }
    }

    [Fact]
    public void RealPairsShareTheirPrompt()
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip("data/tokenizers/qwen/qwen.lf.tiktoken"));
        List<PreferenceExample> pairs = ExampleFiles.Read<PreferenceExample>([SharedData.FindOrSkip("data/corpora/dpo-zh.json")], new DataReport());
        ConversationEncoder encoder = new(tokenizer, Real("Qwen-Qwen2.5-7B-Instruct"), new ConversationOptions { MaximumLength = 1 << 20 });
        TokenPair[] encoded = [.. encoder.Encode(pairs, new DataReport())];
        Assert.Equal(pairs.Count, encoded.Length);
        for (int i = 0; i < encoded.Length; i++)
        {
            (TokenExample chosen, TokenExample rejected) = encoded[i];
            int prompt = chosen.Counts.Span.IndexOf(true);
            Assert.True(chosen.Ids.Span[..prompt].SequenceEqual(rejected.Ids.Span[..prompt]));
            Assert.Equal([pairs[i].Chosen[0].Content + "<|im_end|>"], Parts(tokenizer, chosen));
            Assert.Equal([pairs[i].Rejected[0].Content + "<|im_end|>"], Parts(tokenizer, rejected));
        }
    }

    [Fact]
    public void WhatIsLongIsDroppedCutOrRefused()
    {
        Tokenizer tokenizer = Small(isCharacters: true);
        ChatTemplate template = PlainTemplate.For(tokenizer, null);
        ChatExample Chat(string name, int prompt, int answer) =>
            new(name, [new("user", new string('a', prompt)), new("assistant", new string('b', answer))]);
        // "Q: a\nA: b\n" has 8 characters beside the two texts.
        ChatExample[] chats = [Chat("fits", 5, 7), Chat("long", 5, 8), Chat("far", 40, 2)];
        DataReport dropped = new(), cut = new();
        Assert.Equal([20], Encoder(LongExample.Drop).Encode(chats, dropped).Select(example => example.Ids.Length));
        Assert.Equal((2, "long"), dropped.Reasons[DropReason.TooLong]);
        Assert.Equal([(20, 9), (20, 9)], Encoder(LongExample.Cut).Encode(chats, cut).Select(example => (example.Ids.Length, example.Predicted)));
        Assert.Equal((1, 1, (1L, "far")), (cut.Cut, cut.Dropped, cut.Reasons[DropReason.NothingCounts]));
        Assert.Equal("long: it has 21 tokens, but the longest length is 20",
            Assert.Throws<InvalidDataException>(() => Encoder(LongExample.Refuse).Encode(chats, new DataReport()).Count()).Message);
        PreferenceExample pair = new("pair", chats[0].Messages.Take(1).ToArray(), [new("assistant", "bbb")], [new("assistant", "bbbbbbbbbbb")]);
        DataReport pairs = new();
        Assert.Empty(Encoder(LongExample.Drop).Encode([pair], pairs));
        Assert.Equal((1, "pair"), pairs.Reasons[DropReason.TooLong]);
        TokenFeedback feedback = Assert.Single(Encoder(LongExample.Drop).Encode([new FeedbackExample("f", pair.Prompt, pair.Chosen, false)], new DataReport()));
        Assert.Equal((false, 5), (feedback.IsDesired, feedback.Example.Predicted));
        VerifiableExample[] tasks = [new("task", pair.Prompt, "b"), new("long task", chats[2].Messages.Take(1).ToArray(), "b")];
        DataReport prompts = new();
        TokenPrompt prompt = Assert.Single(Encoder(LongExample.Cut).Encode(tasks, prompts));
        Assert.Equal("Q: aaaaa\nA:", tokenizer.Decode(prompt.Ids.Span));
        Assert.Equal((1, "long task"), prompts.Reasons[DropReason.TooLong]);

        ConversationEncoder Encoder(LongExample whenLong) => new(tokenizer, template, new ConversationOptions { MaximumLength = 20, WhenLong = whenLong });
    }

    [Fact]
    public void AWeightOfZeroLeavesATurnOut()
    {
        Tokenizer tokenizer = Small(isCharacters: false);
        JsonElement zero = JsonDocument.Parse("0").RootElement;
        ChatMessage[] turns = [.. Turns];
        turns[1] = turns[1] with { Fields = new Dictionary<string, JsonElement> { ["weight"] = zero } };
        Assert.Equal([" Two,\n\nof course.\n", " Bye.\nSee you\n"], Counted(tokenizer, PlainTemplate.For(tokenizer, null), turns, CountedTokens.Answers));
    }

    [Fact]
    public void ManyThreadsKeepTheOrderAndTheFirstError()
    {
        Tokenizer tokenizer = Small(isCharacters: true);
        ConversationEncoder encoder = new(tokenizer, PlainTemplate.For(tokenizer, null), new ConversationOptions { MaximumLength = 100 });
        ChatExample[] chats = [.. Enumerable.Range(0, 3000).Select(i => new ChatExample($"{i}", [new("user", $"{i}"), new("assistant", $"{i * 7}")]))];
        Assert.Equal(chats.Select(chat => $" {chat.Messages[1].Content}\n"),
            encoder.Encode(chats, new DataReport()).Select(example => Assert.Single(Parts(tokenizer, example))));
        chats[1700] = new("first", [new("ghost", "x"), new("assistant", "y")]);
        chats[1701] = new("second", [new("ghost", "x"), new("assistant", "y")]);
        Assert.StartsWith("first: ", Assert.Throws<InvalidDataException>(() => encoder.Encode(chats, new DataReport()).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnswersThatNothingEndsAreCounted()
    {
        Tokenizer tokenizer = Small(isCharacters: true);
        int end = tokenizer.Encode("<|end|>")[0];
        ConversationOptions options = new() { MaximumLength = 100, EndIds = [end] };
        ChatExample[] chats = [.. Enumerable.Range(0, 3).Select(i => new ChatExample($"{i}", [new("user", "a"), new("assistant", "b")]))];
        Assert.Equal(3, Endless("{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}", options));
        Assert.Equal(0, Endless("{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>\n{% endfor %}", options));
        Assert.Equal(0, Endless("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", options with { EndIds = [] }));

        long Endless(string template, ConversationOptions own)
        {
            DataReport report = new();
            Assert.Equal(3, new ConversationEncoder(tokenizer, ChatTemplate.Parse(template), own).Encode(chats, report).Count());
            return report.Endless;
        }
    }

    private static ChatTemplate Real(string name) => ChatTemplate.Parse(File.ReadAllText(SharedData.FindOrSkip($"data/chat-templates/{name}.jinja")),
        new Dictionary<string, string> { ["bos_token"] = "<s>", ["eos_token"] = "</s>" });

    // Every character of the tests' texts, or their bytes, and an end mark.
    private static Tokenizer Small(bool isCharacters) => !isCharacters ? Bytes(["<|end|>"]) : CharacterTrainer.Train(
        [string.Concat(Turns.Select(turn => turn.Content)), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n:.<>[]-"],
        new CharacterTrainerOptions { SpecialTokens = ["<|end|>"] });

    private static Tokenizer Bytes(string[] marks) =>
        BpeTrainer.Train(Turns.Select(turn => turn.Content), new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = marks });

    private static TokenExample Encode(Tokenizer tokenizer, ChatTemplate template, IReadOnlyList<ChatMessage> turns, CountedTokens counted,
        JsonElement? tools = null) =>
        Assert.Single(new ConversationEncoder(tokenizer, template, new ConversationOptions { MaximumLength = 4096, Counted = counted })
            .Encode([new ChatExample("here", turns, tools)], new DataReport()));

    private static string[] Counted(Tokenizer tokenizer, ChatTemplate template, IReadOnlyList<ChatMessage> turns, CountedTokens counted,
        JsonElement? tools = null) =>
        Parts(tokenizer, Encode(tokenizer, template, turns, counted, tools));

    // The texts of the runs of tokens that count.
    private static string[] Parts(Tokenizer tokenizer, TokenExample example)
    {
        List<string> parts = [];
        for (int i = 0, end; i < example.Ids.Length; i = end)
        {
            end = i + 1;
            while (end < example.Ids.Length && example.Counts.Span[end] == example.Counts.Span[i])
                end++;
            if (example.Counts.Span[i])
                parts.Add(tokenizer.Decode(example.Ids.Span[i..end], skipSpecialTokens: false));
        }
        return [.. parts];
    }
}
