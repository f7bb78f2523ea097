using Lemma.Checkpoints;
using Lemma.Cli.Commands;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Cli.NGrams;

/// <summary>An n-gram model on disk: an ARPA file whose words are the pieces of the tokenizer beside it.</summary>
internal static class NGramFolder
{
    public const string ModelName = "ngram.arpa";

    /// <summary>The id that begins and ends a document; null where the tokenizer has none, and texts are one document.</summary>
    public static NGramMarks Marks(Tokenizer tokenizer) => NGramMarks.Same(tokenizer.IdOf(TrainCommand.EndOfText));

    public static void Write(string folder, NGramModel model, Tokenizer tokenizer) => AtomicFolder.Write(folder, path =>
    {
        tokenizer.Save(Path.Combine(path, "tokenizer.json"));
        ArpaFile.Write(Path.Combine(path, ModelName), model, Words(tokenizer));
    });

    public static (NGramModel Model, Tokenizer Tokenizer) Read(string folder)
    {
        string path = AtomicFolder.Resolve(folder), file = Path.Combine(path, ModelName);
        if (!File.Exists(file))
            throw new FileNotFoundException($"n-grams: the folder '{folder}' has no {ModelName}; 'lemma ngram train' makes one");
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(path, "tokenizer.json"));
        return (ArpaFile.Read(file, Words(tokenizer), Marks(tokenizer)), tokenizer);
    }

    // An id without a piece has a word that no piece has, since a backslash in one is written twice.
    private static string[] Words(Tokenizer tokenizer) => [.. Enumerable.Range(0, tokenizer.VocabularySize)
        .Select(id => tokenizer.PieceOrNull(id) is { Length: > 0 } piece ? ArpaFile.WordOf(piece) : FormattableString.Invariant($"\\#{id}"))];
}
