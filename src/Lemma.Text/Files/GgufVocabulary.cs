using System.Globalization;
using Lemma.Formats;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>The vocabulary of a GGUF file: the kinds llama, gpt2, bert and t5.</summary>
internal static class GgufVocabulary
{
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>Reads the tokenizer of a GGUF file; the weights are not touched.</summary>
    public static Tokenizer Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"tokenizer: there is no file {path}", path);
        try
        {
            using MappedFile file = MappedFile.Open(path);
            return new Settings(GgufMetadata.Read(file)).Build();
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    /// <summary>The tokenizer that values say.</summary>
    public static Tokenizer Build(Dictionary<string, object> values) => new Settings(values).Build();

    private const string Gemma4 = "gemma4";

    private sealed class Settings(Dictionary<string, object> values)
    {
        public Tokenizer Build()
        {
            string[] tokens = Items<string>("tokens") ?? throw new InvalidDataException($"the file must have {Prefix}tokens, but has not");
            return Model switch
            {
                "llama" => Framed(SentencePiece(tokens, isBpe: true), isStartUsual: true, isEndUsual: false),
                "t5" => Framed(SentencePiece(tokens, isBpe: false), isStartUsual: false, isEndUsual: true),
                Gemma4 => Framed(Merged(tokens), isStartUsual: true, isEndUsual: false),
                "gpt2" => Framed(Merged(tokens), isStartUsual: Words.StartsUsually, isEndUsual: false),
                "bert" => VocabularyTextFile.Build([.. tokens.Select(WordPieceOf)]),
                string other => throw new InvalidDataException($"the tokenizer must be llama, gpt2, gemma4, bert or t5, but is '{other}'"),
            };
        }

        private string Model => values.TryGetValue(Prefix + "model", out object? value) && value is string text ? text : "none";

        private Tokenizer SentencePiece(string[] tokens, bool isBpe)
        {
            double[] scores = Numbers("scores") ?? new double[tokens.Length];
            double[] kinds = Numbers("token_type") ?? [.. Enumerable.Repeat(1.0, tokens.Length)];
            if (scores.Length != tokens.Length || kinds.Length != tokens.Length)
                throw new InvalidDataException(
                    $"there must be a score and a type for each of {tokens.Length} pieces, but there are {scores.Length} and {kinds.Length}");
            SentencePieceVocabulary vocabulary = new()
            {
                Algorithm = isBpe ? SentencePieceAlgorithm.Bpe : SentencePieceAlgorithm.Unigram,
                // Where the file says nothing, as llama.cpp.
                AddsSpace = Flag("add_space_prefix", isBpe),
                RemovesSpaces = Flag("remove_extra_whitespaces", false),
                CharacterMap = [.. (Numbers("precompiled_charsmap") ?? []).Select(static value => (byte)(int)value)],
            };
            for (int id = 0; id < tokens.Length; id++)
            {
                if (kinds[id] is not (>= 1 and <= 6))
                    throw new InvalidDataException($"the type of piece {id} must be 1 to 6, but is {kinds[id]}");
                vocabulary.Pieces.Add((tokens[id], scores[id], (PieceKind)(int)kinds[id]));
            }
            vocabulary.ByteFallback = vocabulary.Pieces.Any(static piece => piece.Kind == PieceKind.Byte);
            return vocabulary.Build();
        }

        private Tokenizer Merged(string[] tokens)
        {
            GgufWords.Kind words = Words;
            Vocabulary vocabulary = new(tokens);
            MergeList merges = new(vocabulary);
            foreach (string merge in Items<string>("merges") ?? throw new InvalidDataException($"the file must have {Prefix}merges, but has not"))
            {
                int space = merge.IndexOf(' ', 1);
                if (space < 0 || space == merge.Length - 1)
                    throw new InvalidDataException($"merge {merges.Count} must be two pieces with one space between them, but is '{merge}'");
                merges.Add(merge.AsSpan(0, space), merge.AsSpan(space + 1));
            }
            double[] kinds = Numbers("token_type") ?? [];
            AddedToken[] added = [.. tokens.Index().Where(token => token.Index < kinds.Length && kinds[token.Index] is 3 or 4)
                .Where(static token => token.Item.Length > 0)
                .Select(token => new AddedToken(token.Index, token.Item) { IsSpecial = kinds[token.Index] == 3 })];
            BpeModel model = new(vocabulary, merges, new BpeOptions { IgnoreMerges = words.TakesWhole, ByteFallback = !words.IsByteLevel });
            IEnumerable<Splitter> cuts = words.Patterns.Select(static pattern => PatternSplitter.OfRegex(pattern));
            if (words.IsByteLevel)
                return new Tokenizer(model, added, splitter: new SequenceSplitter([.. cuts, new ByteLevelSplitter(splitWords: false)]),
                    postProcessor: new ByteLevelPostProcessor(false, false), decoder: new ByteLevelDecoder());
            return new Tokenizer(model, added, words.MarksSpaces ? new ReplaceNormalizer(" ", "\u2581") : null, new SequenceSplitter([.. cuts]),
                decoder: new SequenceDecoder([new ReplaceDecoder("\u2581", " "), new ByteFallbackDecoder(), new FuseDecoder()]));
        }

        // As llama.cpp does, a file without a name has the default, and Gemma 4's model has its own whatever the file says.
        private GgufWords.Kind Words
        {
            get
            {
                string name = Model == Gemma4 ? Gemma4
                    : values.TryGetValue(Prefix + "pre", out object? value) && value is string { Length: > 0 } text ? text : "default";
                return GgufWords.Find(name) ?? throw new InvalidDataException($"{Prefix}pre must be one that llama.cpp knows, but is '{name}'");
            }
        }

        /// <summary>Puts the start and the end around texts where the file says so.</summary>
        private Tokenizer Framed(Tokenizer tokenizer, bool isStartUsual, bool isEndUsual)
        {
            List<TemplateToken> tokens = [];
            List<TemplatePart> single = [], pair = [];
            TemplatePart? start = Frame(tokenizer, tokens, "bos_token_id", Flag("add_bos_token", isStartUsual));
            TemplatePart? end = Frame(tokenizer, tokens, "eos_token_id", Flag("add_eos_token", isEndUsual));
            if (start is null && end is null)
                return tokenizer;
            foreach (string name in (ReadOnlySpan<string>)["A", "B"])
            {
                pair.AddRange(((TemplatePart?[])[start, new TemplatePart(name, true, 0), end]).OfType<TemplatePart>());
                if (name == "A")
                    single.AddRange(pair);
            }
            return new Tokenizer(tokenizer.Model, tokenizer.AddedTokens, tokenizer.Normalizer, tokenizer.Splitter,
                new TemplatePostProcessor(single, pair, tokens), tokenizer.Decoder);
        }

        private TemplatePart? Frame(Tokenizer tokenizer, List<TemplateToken> tokens, string name, bool isWanted)
        {
            if (!isWanted || !values.TryGetValue(Prefix + name, out object? value) || Whole(value) is not { } id)
                return null;
            if (id < 0 || id >= tokenizer.VocabularySize)
                throw new InvalidDataException($"{Prefix}{name} must be in 0 to {tokenizer.VocabularySize - 1}, but is {id}");
            string piece = tokenizer.PieceOf((int)id);
            if (tokens.All(token => token.Name != piece))
                tokens.Add(new TemplateToken(piece, [(int)id], [piece]));
            return new TemplatePart(piece, false, 0);
        }

        // GGUF marks the pieces that begin a word, and not those inside of one.
        private static string WordPieceOf(string token) => token.StartsWith('\u2581') ? token[1..]
            : token.StartsWith('[') && token.EndsWith(']') ? token : "##" + token;

        private bool Flag(string name, bool other) => !values.TryGetValue(Prefix + name, out object? value) ? other
            : value is bool flag ? flag : Whole(value) is { } number ? number != 0 : other;

        private T[]? Items<T>(string name) => !values.TryGetValue(Prefix + name, out object? value) ? null
            : value as T[] ?? throw new InvalidDataException($"{Prefix}{name} must be an array of texts, but is not");

        private double[]? Numbers(string name)
        {
            if (!values.TryGetValue(Prefix + name, out object? value))
                return null;
            if (value is not Array items || value is string[] or object[])
                throw new InvalidDataException($"{Prefix}{name} must be an array of numbers, but is not");
            double[] numbers = new double[items.Length];
            for (int i = 0; i < numbers.Length; i++)
                numbers[i] = Convert.ToDouble(items.GetValue(i), CultureInfo.InvariantCulture);
            return numbers;
        }

        private static long? Whole(object value) => value switch
        {
            byte or sbyte or ushort or short or uint or int or long => Convert.ToInt64(value, CultureInfo.InvariantCulture),
            ulong number and <= long.MaxValue => (long)number,
            _ => null,
        };
    }
}
