using Lemma.Data;
using Lemma.Text.Templates;

namespace Lemma.Tests.Data;

/// <summary>Lists said backwards: what is asked has the names of its answer, the other way round.</summary>
public class ListTasksTests
{
    [Fact]
    public void TheAnswerIsTheListFromItsEnd()
    {
        ExampleSource<VerifiableExample> questions = ListTasks.Questions(seed: 3);
        ExampleSource<ChatExample> chats = ListTasks.Instructions(seed: 3);
        HashSet<int> lengths = [];
        foreach (VerifiableExample question in questions.Range(0, 300))
        {
            string asked = question.Prompt[0].Content, answer = question.Answer;
            Assert.StartsWith("Backwards: ", asked, StringComparison.Ordinal);
            string[] names = asked["Backwards: ".Length..^1].Split(", "), back = answer[..^1].Split(", ");
            Assert.Equal(names.Reverse(), back);
            Assert.Equal(names.Length, names.Distinct().Count());
            Assert.All(names, name => Assert.Contains(name, new StoryWords().Names));
            lengths.Add(names.Length);
            Assert.True(AnswerCheck.IsRight($"{string.Join(", ", back)}", answer) && !AnswerCheck.IsRight($"{string.Join(", ", names)}.", answer));
        }
        Assert.Equal([4, 5, 6, 7, 8], lengths.Order());
        ChatMessage[] said = [.. chats.At(7).Messages];
        Assert.Equal((questions.At(7).Prompt[0].Content, questions.At(7).Answer), (said[0].Content, said[1].Content));
        Assert.NotEqual(questions.At(7).Answer, ListTasks.Questions(seed: 4).At(7).Answer);
    }

    [Fact]
    public void AWorseAnswerHasTwoOfItsNamesExchanged()
    {
        ExampleSource<PreferenceExample> pairs = ListTasks.Preferences(seed: 3);
        ExampleSource<VerifiableExample> questions = ListTasks.Questions(seed: 3);
        HashSet<int> places = [];
        foreach ((PreferenceExample pair, VerifiableExample question) in pairs.Range(0, 300).Zip(questions.Range(0, 300)))
        {
            Assert.Equal((question.Prompt[0].Content, question.Answer), (pair.Prompt[0].Content, pair.Chosen[0].Content));
            string[] right = pair.Chosen[0].Content[..^1].Split(", "), wrong = pair.Rejected[0].Content[..^1].Split(", ");
            int[] differ = [.. Enumerable.Range(0, right.Length).Where(i => right[i] != wrong[i])];
            Assert.Equal(2, differ.Length);
            Assert.Equal((right[differ[0]], right[differ[1]]), (wrong[differ[1]], wrong[differ[0]]));
            places.UnionWith(differ);
        }
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], places.Order());
    }

    [Theory]
    [InlineData(1, 4), InlineData(5, 4), InlineData(2, 1000)]
    public void ListsHaveTwoNamesAtLeastAndNoMoreThanThereAre(int least, int most) =>
        Assert.Contains($"but it has {least} to {most}", Assert.Throws<ArgumentException>(() => ListTasks.Questions(0, least, most)).Message, StringComparison.Ordinal);
}
