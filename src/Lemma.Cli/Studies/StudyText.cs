using Lemma.Data;
using Lemma.Formulas;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Cli.Studies;

/// <summary>Built-in stories as ids, to train on and to judge by; one id more than the tokenizer has stands for a hidden one.</summary>
internal sealed class StudyText
{
    private const string End = "<|endoftext|>";
    private const int Pieces = 512, TokenizerStories = 500;

    // Far from the stories that are learned.
    private const long FirstJudged = 1L << 40;

    private StudyText(int[] training, int[] judged, int size) => (Training, Judged, MaskId) = (training, judged, size);

    /// <summary>What is learned.</summary>
    public int[] Training { get; }

    /// <summary>New stories.</summary>
    public int[] Judged { get; }

    /// <summary>The id of a hidden token.</summary>
    public int MaskId { get; }

    /// <summary>V, the hidden token's id included.</summary>
    public int VocabularySize => MaskId + 1;

    /// <summary>Stories of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="stories">Stories to learn.</param>
    /// <param name="judged">Stories to judge by.</param>
    public static StudyText Of(ulong seed, int stories, int judged)
    {
        StorySource source = new(seed);
        Tokenizer tokenizer = BpeTrainer.Train(source.Range(0, TokenizerStories).Select(story => story.Text),
            new BpeTrainerOptions { VocabularySize = Pieces, SpecialTokens = [End] });
        int end = tokenizer.IdOf(End)!.Value;
        int[] Read(long first, int count) =>
            [.. source.Range(first, count).SelectMany(story => (int[])[.. tokenizer.Encode(story.Text, addSpecialTokens: false), end])];
        return new StudyText(Read(0, stories), Read(FirstJudged, judged), tokenizer.VocabularySize);
    }

    /// <summary>Windows from places at random, with the id behind each as its target.</summary>
    public (int[] Ids, int[] Targets) Draw(Philox random, int count, int length)
    {
        int[] ids = new int[count * length], targets = new int[ids.Length];
        for (int window = 0; window < count; window++)
        {
            int at = random.Below(Training.Length - length, (ulong)window);
            Training.AsSpan(at, length).CopyTo(ids.AsSpan(window * length));
            Training.AsSpan(at + 1, length).CopyTo(targets.AsSpan(window * length));
        }
        return (ids, targets);
    }

    /// <summary>New windows, one behind the other.</summary>
    public (int[] Ids, int[] Targets) Judge(int count, int length) => Judged.Length > count * length ? (Judged[..(count * length)], Judged[1..(count * length + 1)])
        : throw new InvalidOperationException($"study: {count} windows of {length} are more than the {Judged.Length} ids to judge by");
}
