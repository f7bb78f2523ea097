using Lemma.Formulas;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>Tasks about the built-in stories: the answers are known, and no word is one that the stories lack.</summary>
/// <remarks>The story of a number is that of a <see cref="StorySource"/> with the same seed, options and index; which question is asked is
/// drawn beside it.</remarks>
public static class StoryTasks
{
    private const ulong QuestionUse = 0x7175657374696F6E, PairUse = 0x70616972, OtherStories = 0x9E3779B97F4A7C15;

    /// <summary>The stories themselves, as documents.</summary>
    public static ExampleSource<TextDocument> Texts(ulong seed = 0, StoryOptions? options = null)
    {
        StorySource stories = new(seed, options);
        return new("stories", number => new TextDocument($"story {number}", stories.At(number).Text));
    }

    /// <summary>Conversations: the user tells a story and asks about it, the assistant answers; then the user asks on.</summary>
    /// <param name="seed">The seed of the stories and questions.</param>
    /// <param name="options">How stories are told.</param>
    /// <param name="questions">The most questions of a conversation, all different; at least 1.</param>
    public static ExampleSource<ChatExample> Instructions(ulong seed = 0, StoryOptions? options = null, int questions = 1)
    {
        Require.That(questions > 0, $"story instructions: there must be at least one question, but {questions} are asked for");
        return Make("story instructions", seed, options, (source, asked) => new ChatExample(source,
            [
                asked.Prompt, Answer(asked.Right),
                .. asked.Further(questions - 1).SelectMany(more => new ChatMessage[] { new(Turns.User, more.Text), Answer(more.Answer) }),
            ]));
    }

    /// <summary>The right answer, preferred to a wrong one of the same form.</summary>
    public static ExampleSource<PreferenceExample> Preferences(ulong seed = 0, StoryOptions? options = null) => Make("story preferences", seed, options,
        static (source, asked) => new PreferenceExample(source, [asked.Prompt], [Answer(asked.Right)], [Answer(asked.Wrong)]));

    /// <summary>One answer, as often right as wrong, and which it is.</summary>
    public static ExampleSource<FeedbackExample> Feedback(ulong seed = 0, StoryOptions? options = null) => Make("story feedback", seed, options,
        static (source, asked) => new FeedbackExample(source, [asked.Prompt], [Answer(asked.Coin ? asked.Right : asked.Wrong)], asked.Coin));

    /// <summary>Questions whose answers are checked.</summary>
    public static ExampleSource<VerifiableExample> Questions(ulong seed = 0, StoryOptions? options = null) => Make("story questions", seed, options,
        static (source, asked) => new VerifiableExample(source, [asked.Prompt], asked.Right));

    /// <summary>A question with its right answer, and all wrong ones of the same form.</summary>
    internal static (string Prompt, string Right, List<string> Wrong) Choices(ulong seed, StoryOptions? options, long number)
    {
        Asked asked = Ask(new StorySource(seed, options).Options, seed, number);
        return (asked.Prompt.Content, asked.Right, [.. asked.AllWrong.Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>Two sentences of which the second follows the first (1), or has the same place in another story (0), as often one as the other.</summary>
    public static ExampleSource<SentencePair> NextSentences(ulong seed = 0, StoryOptions? options = null)
    {
        StorySource stories = new(seed, options), others = new(seed ^ OtherStories, options);
        const string Name = "story next sentences";
        return new(Name, number =>
        {
            Philox random = new Philox(seed, (ulong)number).Split(PairUse);
            string[] sentences = Sentences(stories.At(number)), other = Sentences(others.At(number));
            // The first sentence, the weather, says nothing of what comes then.
            int first = 1 + random.Below(sentences.Length - 2, 0);
            bool follows = random.Below(2, 1) == 1;
            return new SentencePair($"{Name} {number}", sentences[first],
                follows ? sentences[first + 1] : other[Math.Min(first + 1, other.Length - 1)], follows ? 1 : 0);
        });
    }

    /// <summary>Two sentences of one event each; the score is the share of what they have in common: who it is, what is done, and where to or with what.</summary>
    /// <remarks>Verbs of one meaning are one; how and when something is done does not count.</remarks>
    public static ExampleSource<SentencePair> Similarities(ulong seed = 0, StoryOptions? options = null)
    {
        StoryWords words = new StorySource(seed, options).Options.Words;
        const string Name = "story similarities";
        return new(Name, number => StorySimilarity.Make($"{Name} {number}", words, new Philox(seed, (ulong)number).Split(PairUse)));
    }

    private static ExampleSource<T> Make<T>(string name, ulong seed, StoryOptions? options, Func<string, Asked, T> make) where T : DataExample
    {
        StoryOptions used = new StorySource(seed, options).Options;
        return new(name, number => make($"{name} {number}", Ask(used, seed, number)));
    }

    private static ChatMessage Answer(string text) => new(Turns.Assistant, text);

    private static Asked Ask(StoryOptions options, ulong seed, long number)
    {
        Philox story = new(seed, (ulong)number), random = story.Split(QuestionUse);
        RandomStoryPath path = new(story);
        List<StoryQuestion> questions = StoryQuestions.All(StoryGrammar.TellStory(options, path));
        StoryQuestion question = questions[random.Below(questions.Count, 0)];
        List<string> wrong = question.WrongAnswers(options.Words);
        questions.Remove(question);
        return new(new(Turns.User, path.Text + question.Text), question.Answer, wrong[random.Below(wrong.Count, 1)], random.Below(2, 2) == 1, questions,
            random, wrong);
    }

    // A story ends sentences with a stop, and has no other stops.
    private static string[] Sentences(Story story)
    {
        string text = story.Text, told = text.IndexOf("\nQ: ", StringComparison.Ordinal) is var end and >= 0 ? text[..end] : text;
        return [.. told.Split('.', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(sentence => sentence + ".")];
    }

    /// <summary>A story with a question, its answer, a wrong one, a coin, and what else could be asked.</summary>
    private readonly record struct Asked(ChatMessage Prompt, string Right, string Wrong, bool Coin, List<StoryQuestion> Others, Philox Random,
        List<string> AllWrong)
    {
        /// <summary>Some of the other questions, in an order of their own.</summary>
        public IEnumerable<StoryQuestion> Further(int count)
        {
            List<StoryQuestion> others = Others;
            Permutation order = new(Math.Max(1, others.Count), (ulong)Random.Below(int.MaxValue, 3), 0);
            return Enumerable.Range(0, Math.Min(count, others.Count)).Select(i => others[(int)order[i]]);
        }
    }
}
