namespace Gristmill.Grains.Testing;

/// <summary>Persistent states of one grain that outlive its activation, and count their writes.</summary>
internal sealed class MemoryStates : IPersistentStateFactory
{
    private readonly Dictionary<string, object> _stored = [];

    public int Writes { get; private set; }

    public IPersistentState<TState> Create<TState>(IGrainContext context, IPersistentStateConfiguration config) => new Entry<TState>(this, config.StateName);

    private sealed class Entry<T> : IPersistentState<T>
    {
        private readonly MemoryStates _owner;
        private readonly string _name;

        public Entry(MemoryStates owner, string name)
        {
            (_owner, _name) = (owner, name);
            State = owner._stored.TryGetValue(name, out var stored) ? (T)stored : Activator.CreateInstance<T>();
        }

        public T State { get; set; }

        public string? Etag => null;

        public bool RecordExists => _owner._stored.ContainsKey(_name);

        public Task ClearStateAsync() => throw new NotSupportedException();

        public Task ReadStateAsync() => Task.CompletedTask;

        public async Task WriteStateAsync()
        {
            var state = State!;
            await Task.Yield();
            _owner._stored[_name] = state;
            _owner.Writes++;
        }
    }
}
