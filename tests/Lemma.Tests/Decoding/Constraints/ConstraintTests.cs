using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Decoding.Constraints.Automata;
using Lemma.Language;
using Lemma.Tests.Language;
using Lemma.Text;

namespace Lemma.Tests.Decoding.Constraints;

public class ConstraintTests
{
    private static readonly Tokenizer Tokenizer = ConstraintTokenizers.ByteLevel;

    public static TheoryData<string> Grammars =>
    [
        """{"type":"object","properties":{"name":{"type":"string","maxLength":300},"n":{"type":"array","items":{"type":"integer","minimum":3,"maximum":1234},"maxItems":90}},"required":["name","n"]}""",
        """{"type":"array","items":{"anyOf":[{"enum":["yes","yesab","no\n"]},{"type":"object","additionalProperties":{"type":"boolean"}}]}}""",
        """{"type":"string","pattern":"^(?:[a-z1é日]{2,400}|T0Z)$"}""",
        "{}",
    ];

    [Theory, MemberData(nameof(Grammars))]
    public void TheMaskIsThatOfEachIdAlone(string schema)
    {
        foreach (Tokenizer tokenizer in (Tokenizer[])[ConstraintTokenizers.ByteLevel, ConstraintTokenizers.Fallback])
        {
            Constraint constraint = new(Grammar.JsonSchema(schema), tokenizer);
            int seen = 0;
            for (int i = 0; i < 60 && seen < 60; i++)
                RandomTexts.Draw(constraint, tokenizer, ConstraintTokenizers.EndOf(tokenizer), new Random(i), state =>
                {
                    if (seen++ > 400)
                        return;
                    TokenMask mask = constraint.MaskOf(state, startsText: false);
                    for (int id = 0; id < tokenizer.VocabularySize; id++)
                    {
                        byte[] bytes = tokenizer.BytesOf(id);
                        Assert.Equal(bytes.Length > 0 && !constraint.Grammar.Automaton.Next(state, bytes).IsDead, mask.Contains(id));
                    }
                });
            Assert.True(seen > 20);
        }
    }

    private static AutomatonState After(Constraint constraint, string text) =>
        text.Aggregate(constraint.Start, (state, c) => constraint.Next(state, Tokenizer.IdOf(c.ToString())!.Value, startsText: false));

    [Fact]
    public void SpecialTokensAreNeverText()
    {
        // The special tokens' own texts match, so only bytes may write them.
        Constraint constraint = new(Grammar.Regex("(<\\|end\\|>|<\\|call\\|>|<tag>)+"), Tokenizer);
        TokenMask mask = constraint.MaskOf(constraint.Start, startsText: false);
        Assert.False(mask.Contains(Tokenizer.IdOf("<|end|>")!.Value));
        Assert.False(mask.Contains(Tokenizer.IdOf("<|call|>")!.Value));
        Assert.True(mask.Contains(Tokenizer.IdOf("<tag>")!.Value));
        Assert.False(constraint.Matches([Tokenizer.IdOf("<|call|>")!.Value]));

        Constraint named = new(Grammar.Gbnf("root ::= <|call|> \"a\" | <tag> \"b\" | <nothing> \"c\""), Tokenizer);
        int[] Bytes(string text) => [.. text.Select(c => Tokenizer.IdOf(c.ToString())!.Value)];
        Assert.True(named.Matches([Tokenizer.IdOf("<|call|>")!.Value, .. Bytes("a")]));
        Assert.False(named.Matches(Bytes("<|call|>a")));
        Assert.True(named.Matches([Tokenizer.IdOf("<tag>")!.Value, .. Bytes("b")]));
        Assert.True(named.Matches(Bytes("<nothing>c")));
    }

    [Fact]
    public void TheEndIsAllowedWhereTheGrammarMayEndAndNowhereElse()
    {
        Constraint constraint = new(Grammar.Regex("ab?"), Tokenizer);
        int end = ConstraintTokenizers.End;
        int[] Allowed(params int[] ids)
        {
            AutomatonState state = ids.Aggregate(constraint.Start, (at, id) => constraint.Next(at, id, startsText: false));
            Candidates candidates = new(Tokenizer.VocabularySize);
            float[] logits = new float[Tokenizer.VocabularySize];
            candidates.Reset(logits);
            return constraint.Apply(candidates, logits, state, startsText: false, [end]) ? [.. candidates.Ids.ToArray().Order()] : [];
        }
        int a = Tokenizer.IdOf("a")!.Value, b = Tokenizer.IdOf("b")!.Value, ab = Tokenizer.IdOf("ab")!.Value;
        Assert.Equal([.. new[] { a, ab }.Order()], Allowed());
        Assert.Equal([.. new[] { b, end }.Order()], Allowed(a));
        Assert.Equal([end], Allowed(ab));
        Assert.Equal([end], Allowed(a, b));
    }

    [Fact]
    public void FreeTextGoesOnUntilATriggerAndThenTheGrammarHolds()
    {
        Grammar lazy = Grammar.AfterTrigger(["<tool_call>", "<|call|>"], Grammar.JsonObject(), repeats: true);
        Assert.All(["", "Hello <tool", "a<tool_call>{}", "<tool_call>{\"a\": 1} and <tool_call>{}", "<<tool_call>{}"], text => Assert.True(lazy.Accepts(text), text));
        Assert.All(["<tool_call>", "<tool_call>x", "<tool_call>{}<tool_call>1"], text => Assert.False(lazy.Accepts(text), text));
        Assert.False(Grammar.AfterTrigger(["x"], Grammar.Choices(["a"])).Accepts("xa "));

        Constraint constraint = new(lazy, Tokenizer);
        int call = Tokenizer.IdOf("<|call|>")!.Value, tool = Tokenizer.IdOf("<tool")!.Value;
        AutomatonState begun = constraint.Next(constraint.Start, tool, startsText: false);
        TokenMask mask = constraint.MaskOf(begun, startsText: false);
        AutomatonState called = constraint.Next(begun, call, startsText: false);
        Assert.True(mask.Contains(call) && mask.Contains(ConstraintTokenizers.End) && begun.Accepts);
        Assert.False(called.Accepts || called.IsDead);
        Assert.False(constraint.MaskOf(called, startsText: false).Contains(Tokenizer.IdOf("a")!.Value));
        // A piece that ends the trigger and goes on must go on in the grammar.
        AutomatonState at = After(constraint, "<tool_");
        Assert.True(constraint.MaskOf(at, false).Contains(Tokenizer.IdOf("call>")!.Value));
        AutomatonState near = After(constraint, "<tool_cal");
        Assert.True(constraint.MaskOf(near, false).Contains(Tokenizer.IdOf("l>{")!.Value));
        Constraint number = new(Grammar.AfterTrigger(["<tool_call>"], Grammar.Regex("\\d+")), Tokenizer);
        near = After(number, "<tool_cal");
        Assert.False(number.MaskOf(near, false).Contains(Tokenizer.IdOf("l>{")!.Value));
    }

    [Fact]
    public void ATextThatNoTextComesBeforeBeginsWithoutItsSpace()
    {
        Tokenizer tokenizer = ConstraintTokenizers.Fallback;
        Constraint constraint = new(Grammar.Choices(["yes"]), tokenizer);
        int marked = tokenizer.IdOf("\u2581yes")!.Value, plain = tokenizer.IdOf("yes")!.Value;
        Assert.True(constraint.MaskOf(constraint.Start, startsText: true) is var first && first.Contains(marked) && first.Contains(plain));
        Assert.True(constraint.MaskOf(constraint.Start, startsText: false) is var later && !later.Contains(marked) && later.Contains(plain));
        Assert.True(constraint.Next(constraint.Start, marked, startsText: true).Accepts);
    }

    [Fact]
    public void AnAutomatonThatForgetsGoesOnAsBefore()
    {
        const string schema = """{"type":"array","items":{"type":"object","additionalProperties":{"type":"string","maxLength":90}},"maxItems":100}""";
        Grammar small = Grammar.JsonSchema(schema, new JsonGrammarOptions { Limits = new GrammarLimits { CacheBytes = 20_000 } }), large = Grammar.JsonSchema(schema);
        Constraint one = new(small, Tokenizer), other = new(large, Tokenizer);
        for (int i = 0; i < 5; i++)
            Assert.Equal(RandomTexts.Draw(other, Tokenizer, ConstraintTokenizers.End, new Random(i)), RandomTexts.Draw(one, Tokenizer, ConstraintTokenizers.End, new Random(i)));
    }

    [Fact]
    public void ManyThreadsShareAConstraint()
    {
        Constraint constraint = new(Grammar.JsonSchema("{}"), Tokenizer);
        string[] alone = [.. Enumerable.Range(0, 16).Select(i => RandomTexts.Draw(new Constraint(Grammar.JsonSchema("{}"), Tokenizer), Tokenizer, ConstraintTokenizers.End, new Random(i)))];
        string[] together = new string[16];
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            i => together[i] = RandomTexts.Draw(constraint, Tokenizer, ConstraintTokenizers.End, new Random(i)));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void AGeneratorDrawsWhatMatches()
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 256);
        Constraint constraint = new(Grammar.JsonSchema("""{"type":"object","properties":{"a":{"type":"string","maxLength":4},"n":{"type":"integer","maximum":99,"minimum":-9}},"required":["a","n"]}"""),
            model.Tokenizer);
        GenerationOptions drawn = GenerationOptions.Sample(1.3) with { MaximumTokens = 120, Constraint = constraint, StopIds = [2], LogProbabilities = 0 };
        foreach (Completion one in model.CompleteSeveral("say:", 8, drawn))
            Assert.True(constraint.Grammar.Accepts(one.Text), one.Text);
        Assert.True(constraint.Grammar.Accepts(string.Concat(model.Complete("say:", drawn with { Steps = null }))));
        // Without an id that ends a text the text ends where nothing may follow.
        Assert.True(constraint.Grammar.Accepts(string.Concat(model.Complete("say:", drawn with { StopIds = [] }))));
        Assert.Equal("yes", string.Concat(model.Complete("say:", GenerationOptions.Greedy with { Constraint = new Constraint(Grammar.Choices(["yes"]), model.Tokenizer), StopIds = [] })));
        Assert.Equal("yes", string.Concat(model.Complete("", GenerationOptions.Greedy with { Constraint = new Constraint(Grammar.Choices(["yes"]), model.Tokenizer), StopIds = [] })));

        // Log-probabilities stay those of the model.
        Completion told = model.CompleteSeveral("say:", 1, drawn with { Steps = null, MaximumTokens = 1 })[0];
        Completion free = model.CompleteSeveral("say:", 1, drawn with { Steps = null, MaximumTokens = 1, Constraint = null, LogProbabilities = model.Tokenizer.VocabularySize })[0];
        Assert.Equal(free.Choices[0].Likeliest.Single(one => one.Id == told.Ids[0]).LogProbability, told.Choices[0].Chosen.LogProbability);
    }

    [Fact]
    public void SpeculationAndGoingOnGiveTheTextOfOneGeneration()
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 256);
        Constraint constraint = new(Grammar.JsonSchema("""{"type":"array","items":{"enum":["abab","ab",12]},"minItems":6,"maxItems":9}"""), model.Tokenizer);
        GenerationOptions options = GenerationOptions.Sample(1.1) with { MaximumTokens = 100, Constraint = constraint, StopIds = [2] };
        int[] prompt = model.Prompt("[\"abab\",\"ab\",12,\"abab\"");
        using Generator generator = model.NewGenerator();
        IReadOnlyList<int> whole = generator.Generate(prompt, options);
        Assert.True(constraint.Matches([.. whole]));
        Assert.Equal(whole, generator.Generate(prompt, options with { Speculator = new PromptLookup { Shortest = 1 } }));

        generator.Start(prompt, options with { MaximumTokens = 7 });
        while (generator.TryNext(out _))
        {
        }
        generator.Continue(default, options with { MaximumTokens = 93 });
        while (generator.TryNext(out _))
        {
        }
        Assert.Equal(whole, generator.Ids()[prompt.Length..].ToArray());
    }

    [Fact]
    public void BeamsMatch()
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 256);
        Constraint constraint = new(Grammar.JsonSchema("""{"type":"array","items":{"enum":["a","b",12]},"minItems":2,"maxItems":3}""",
            new JsonGrammarOptions { AllowsWhitespace = false }), model.Tokenizer);
        IReadOnlyList<Completion> all = model.Search("say:", new BeamOptions { Beams = 5, MaximumTokens = 60, Constraint = constraint, StopIds = [2] });
        Assert.Equal(5, all.Count);
        Assert.All(all, one => Assert.True(constraint.Grammar.Accepts(one.Text), one.Text));
        Assert.Equal(5, all.Select(one => string.Join(' ', one.Ids)).Distinct().Count());
    }

    [Fact]
    public void ATextIsConstrainedByALoopOfOnesOwn()
    {
        Constraint constraint = new(Grammar.Choices(["ab"]), Tokenizer);
        ConstrainedText text = constraint.Begin([]);
        Candidates candidates = new(Tokenizer.VocabularySize);
        float[] logits = new float[Tokenizer.VocabularySize];
        candidates.Reset(logits);
        Assert.True(text.Keep(candidates, logits, []));
        Assert.Throws<ArgumentException>(() => text.Keep(candidates, logits, []));
        ConstrainedText other = text.Fork();
        text.Add(Tokenizer.IdOf("ab")!.Value);
        other.Add(Tokenizer.IdOf("a")!.Value);
        Assert.True(text.MayEnd && text.MustEnd && !other.MayEnd);
        Assert.Throws<ArgumentException>(() => text.Add(Tokenizer.IdOf("a")!.Value));
        candidates.Reset(logits);
        Assert.False(text.Keep(candidates, logits, []));
        Assert.Equal(0, candidates.Count);
    }

    [Fact]
    public void AConstraintOverMoreIdsThanTheModelHasIsRefused()
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 64);
        Constraint constraint = new(Grammar.Choices(["a"]), ConstraintTokenizers.ByteLevel);
        Assert.Contains("a constraint is over the ids of the model's tokenizer", Assert.Throws<ArgumentException>(
            () => model.Complete("a", GenerationOptions.Greedy with { Constraint = constraint }).First()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AWarmMaskAllocatesNothing()
    {
        Constraint constraint = new(Grammar.JsonSchema("""{"type":"array","items":{"type":"string"}}"""), Tokenizer);
        Candidates candidates = new(Tokenizer.VocabularySize);
        float[] logits = new float[Tokenizer.VocabularySize];
        int open = Tokenizer.IdOf("[")!.Value, quote = Tokenizer.IdOf("\"")!.Value, a = Tokenizer.IdOf("a")!.Value, comma = Tokenizer.IdOf(",")!.Value;
        int[] ids = [open, .. Enumerable.Repeat<int[]>([quote, a, a, quote, comma], 20).SelectMany(static one => one)];
        void Run()
        {
            AutomatonState state = constraint.Start;
            foreach (int id in ids)
            {
                candidates.Reset(logits);
                constraint.Apply(candidates, logits, state, startsText: false, []);
                state = constraint.Next(state, id, startsText: false);
            }
        }
        Run();
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
