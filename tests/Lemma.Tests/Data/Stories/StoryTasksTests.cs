using Lemma.Data;
using Lemma.Text;
using Lemma.Text.Templates;
using Lemma.Text.Training;

namespace Lemma.Tests.Data.Stories;

/// <summary>Tasks about stories: answers are those of the source itself, wrong ones are wrong, and every number gives the same again.</summary>
public sealed class StoryTasksTests
{
    private const ulong Seed = 11;
    private static readonly StorySource OneQuestion = new(Seed, new StoryOptions { Questions = 1 });

    [Fact]
    public void TheRightAnswerIsTheSourcesAndTheWrongOneIsNot()
    {
        HashSet<string> kinds = [];
        foreach (PreferenceExample pair in StoryTasks.Preferences(Seed).Range(0, 2000))
        {
            string right = Assert.Single(pair.Chosen).Content, wrong = Assert.Single(pair.Rejected).Content;
            Assert.True(double.IsFinite(OneQuestion.LogProbability(Document(pair.Prompt, right))), $"{Document(pair.Prompt, right)}");
            Assert.True(double.IsNegativeInfinity(OneQuestion.LogProbability(Document(pair.Prompt, wrong))), $"{Document(pair.Prompt, wrong)}");
            Assert.True(AnswerCheck.IsRight(right, right) && !AnswerCheck.IsRight(wrong, right));
            // Well-formed: the same sentence but for one word.
            string[] rightWords = right.Split(' '), wrongWords = wrong.Split(' ');
            Assert.Equal(rightWords.Length, wrongWords.Length);
            Assert.Equal(1, rightWords.Zip(wrongWords).Count(words => words.First != words.Second));
            kinds.Add(pair.Prompt[0].Content.Split('\n')[^1].Split(' ')[0]);
        }
        Assert.Equal(["What", "Where", "Who"], kinds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryTaskTellsTheStoryOfItsNumber()
    {
        StorySource stories = new(Seed);
        for (long number = 0; number < 200; number++)
        {
            ChatExample chat = StoryTasks.Instructions(Seed).At(number);
            VerifiableExample question = StoryTasks.Questions(Seed).At(number);
            FeedbackExample feedback = StoryTasks.Feedback(Seed).At(number);
            string told = chat.Messages[0].Content;
            Assert.StartsWith(told[..(told.LastIndexOf('\n') + 1)], stories.At(number).Text, StringComparison.Ordinal);
            Assert.Equal(["user", "assistant"], chat.Messages.Select(message => message.Role));
            Assert.Equal((told, chat.Messages[1].Content), (question.Prompt[0].Content, question.Answer));
            Assert.Equal(told, feedback.Prompt[0].Content);
            Assert.Equal(feedback.IsDesired, AnswerCheck.IsRight(feedback.Completion[0].Content, question.Answer));
        }
        Assert.InRange(StoryTasks.Feedback(Seed).Range(0, 2000).Count(feedback => feedback.IsDesired), 900, 1100);
    }

    [Fact]
    public void ShortStoriesHaveTwoPeople()
    {
        for (long number = 0; number < 100; number++)
        {
            string told = StoryTasks.Questions(Seed, StoryOptions.Short).At(number).Prompt[0].Content;
            string people = told[..told.IndexOf(" were ", StringComparison.Ordinal)];
            Assert.Single(people.Split(" and ").Skip(1));
            Assert.DoesNotContain(',', people[people.LastIndexOf('.')..]);
        }
    }

    [Fact]
    public void AConversationAsksOn()
    {
        int longer = 0;
        for (long number = 0; number < 200; number++)
        {
            ChatExample one = StoryTasks.Instructions(Seed).At(number), some = StoryTasks.Instructions(Seed, questions: 4).At(number);
            Assert.Equal(one.Messages, some.Messages.Take(2));
            string[] asked = [.. some.Messages.Where(message => message.Role == "user").Select(message => message.Content[(message.Content.LastIndexOf('\n') + 1)..])];
            Assert.InRange(asked.Length, 3, 4);
            Assert.Equal(asked.Length, asked.Distinct().Count());
            Assert.Equal(2 * asked.Length, some.Messages.Count);
            longer += asked.Length == 4 ? 1 : 0;
        }
        Assert.True(longer > 100, $"{longer} of 200 ask four questions");
        Assert.Throws<ArgumentException>(() => StoryTasks.Instructions(Seed, questions: 0));
    }

    [Fact]
    public void ANumberGivesTheSameAndAnotherGivesAnother()
    {
        Same(StoryTasks.Instructions(Seed), StoryTasks.Instructions(Seed), StoryTasks.Instructions(Seed + 1));
        Same(StoryTasks.Preferences(Seed), StoryTasks.Preferences(Seed), StoryTasks.Preferences(Seed + 1));
        Same(StoryTasks.Questions(Seed), StoryTasks.Questions(Seed), StoryTasks.Questions(Seed + 1));
        Same(StoryTasks.NextSentences(Seed), StoryTasks.NextSentences(Seed), StoryTasks.NextSentences(Seed + 1));
        Same(StoryTasks.Similarities(Seed), StoryTasks.Similarities(Seed), StoryTasks.Similarities(Seed + 1));
        Same(SequenceTasks.Reverse(Seed, 8, 12), SequenceTasks.Reverse(Seed, 8, 12), SequenceTasks.Reverse(Seed + 1, 8, 12));
    }

    [Fact]
    public void NextSentencesFollowOrComeFromElsewhere()
    {
        StorySource stories = new(Seed);
        int follow = 0;
        foreach ((SentencePair pair, int number) in StoryTasks.NextSentences(Seed).Range(0, 1000).Select((pair, number) => (pair, number)))
        {
            string text = stories.At(number).Text;
            Assert.Contains(pair.First, text, StringComparison.Ordinal);
            bool follows = text.Contains($"{pair.First} {pair.Second}", StringComparison.Ordinal) || text.Contains($"{pair.First}\n{pair.Second}", StringComparison.Ordinal);
            Assert.Equal(pair.Score == 1, follows);
            Assert.EndsWith(".", pair.Second, StringComparison.Ordinal);
            follow += follows ? 1 : 0;
        }
        Assert.InRange(follow, 440, 560);
    }

    [Fact]
    public void SimilarityIsTheShareOfTheEvent()
    {
        StoryWords words = new();
        int[] scores = new int[4];
        foreach (SentencePair pair in StoryTasks.Similarities(Seed).Range(0, 3000))
        {
            (string, string, string) first = Event(pair.First), second = Event(pair.Second);
            int shared = (first.Item1 == second.Item1 ? 1 : 0) + (first.Item2 == second.Item2 ? 1 : 0) + (first.Item3 == second.Item3 ? 1 : 0);
            Assert.Equal(shared / 3.0, pair.Score);
            scores[shared]++;
        }
        Assert.All(scores, count => Assert.True(count > 300, string.Join(' ', scores)));

        // Read again by the lists of words alone: who, the meaning of the verb, and where to or with what.
        (string Name, string Meaning, string Object) Event(string sentence)
        {
            string lead = words.Leads.FirstOrDefault(lead => sentence.StartsWith(lead, StringComparison.Ordinal)) ?? "";
            string[] parts = sentence[lead.Length..].TrimEnd('.').Split(' ');
            string meaning = words.Goes.Contains(parts[1]) ? "go" : words.Takes.Contains(parts[1]) ? "take" : words.Drops.Contains(parts[1]) ? "drop"
                : words.Wants.Contains(parts[1]) ? "want" : throw new ArgumentException(sentence);
            return (parts[0], meaning, meaning == "go" ? parts[4] : parts[3]);
        }
    }

    [Fact]
    public void SequencesAreReversedAndSorted()
    {
        HashSet<int> lengths = [];
        foreach (SequencePair pair in SequenceTasks.Reverse(Seed, 2, 5).Range(0, 500))
        {
            Assert.Equal(string.Concat(pair.Input.Reverse()), pair.Output);
            lengths.Add(pair.Input.Split(' ').Length);
        }
        Assert.Equal([2, 3, 4, 5], lengths.Order());
        Assert.All(SequenceTasks.Sort(Seed).Range(0, 500), pair => Assert.Equal(string.Join(' ', pair.Input.Split(' ').Order(StringComparer.Ordinal)), pair.Output));
        Assert.Contains("a sequence must have at least 1 letter", Assert.Throws<ArgumentException>(() => SequenceTasks.Sort(0, 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATokenizerOfStoriesCoversEveryTask()
    {
        Tokenizer characters = CharacterTrainer.Train(new StorySource(1).Range(0, 2000).Select(story => story.Text));
        IEnumerable<DataExample> all = [.. StoryTasks.Instructions(Seed).Range(0, 300), .. StoryTasks.Preferences(Seed).Range(0, 300),
            .. StoryTasks.NextSentences(Seed).Range(0, 300), .. StoryTasks.Similarities(Seed).Range(0, 300), .. SequenceTasks.Reverse(Seed).Range(0, 300)];
        Assert.All(all.SelectMany(example => example.Texts).Where(text => text is not ("user" or "assistant" or "chosen" or "rejected")),
            text => Assert.Equal(text, characters.Decode(characters.Encode(text))));
        string form = PlainTemplate.For(characters, null).Render(StoryTasks.Instructions(Seed).At(0).Messages, new ChatOptions());
        Assert.Equal(form, characters.Decode(characters.Encode(form)));
    }

    private static string Document(IReadOnlyList<ChatMessage> prompt, string answer)
    {
        string told = Assert.Single(prompt).Content;
        int question = told.LastIndexOf('\n') + 1;
        return $"{told[..question]}Q: {told[question..]}\nA: {answer}\n";
    }

    private static void Same<T>(ExampleSource<T> one, ExampleSource<T> again, ExampleSource<T> other) where T : DataExample
    {
        string[] texts = [.. one.Range(5, 100).Select(Shown)];
        Assert.Equal(texts, again.Range(5, 100).Select(Shown));
        Assert.Equal(texts[60], Shown(again.At(65)));
        Assert.Equal(100, texts.Union(again.Range(105, 0).Select(Shown)).Distinct().Count());
        Assert.Empty(texts.Intersect(one.Range(105, 100).Select(Shown)));
        Assert.Empty(texts.Intersect(other.Range(5, 100).Select(Shown)));
        Assert.Throws<ArgumentException>(() => one.At(-1));

        static string Shown(T example) => string.Join('|', example.Texts);
    }
}
